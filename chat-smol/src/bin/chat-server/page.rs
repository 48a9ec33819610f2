//! What browsers find: the page, whose files are part of the program, and where WebSocket begins.

use chat_proto::http::{Resource, Site};

use crate::listener::Transport;
use crate::web_table::WebTable;

/// Nothing is loaded from elsewhere, and nobody may frame the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Lists files of the page, each with its path and its content.
macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        [$((concat!("/", $name), include_bytes!(concat!("../../../page/", $name)).as_slice())),+]
    };
}

const FILES: [(&str, &[u8]); 20] = files![
    "attention.js",
    "chat.js",
    "client.js",
    "commands.js",
    "composer.js",
    "connection.js",
    "dom.js",
    "history.js",
    "index.html",
    "irc.js",
    "kept.js",
    "lines.js",
    "log.js",
    "main.js",
    "panels.js",
    "room.js",
    "rows.js",
    "style.css",
    "text.js",
    "view.js",
];

/// Returns what is served before the dialect; `None` if that begins at once. `web` says how browsers may reach it.
pub(crate) fn site(dialect: &str, transport: Transport, web: &WebTable) -> Option<Site> {
    let subprotocols = if dialect == "irc" { Site::IRC } else { &[] };
    let site = match transport {
        Transport::Lines | Transport::Metrics => return None,
        // Clients choose the path, each another.
        Transport::WebSocket => Site::new().upgrade(None, subprotocols),
        Transport::Page => FILES.iter().fold(Site::new().upgrade(Some("/ws"), subprotocols), add),
    };
    let site = site
        .header("Content-Security-Policy", POLICY)
        .header("X-Content-Type-Options", "nosniff")
        .header("Referrer-Policy", "no-referrer");
    Some(web.apply(site))
}

fn add(site: Site, (path, content): &(&'static str, &'static [u8])) -> Site {
    let content_type = match path.rsplit_once('.') {
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        _ => "text/html; charset=utf-8",
    };
    let path = if *path == "/index.html" { "/" } else { path };
    site.resource(Resource::new(path, content_type, *content))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_of_the_page_is_served() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("page");
        let there = fs::read_dir(folder).expect("the page's folder").map(|file| file.expect("a file").file_name());
        let there: BTreeSet<String> = there.map(|name| format!("/{}", name.display())).collect();
        assert_eq!(FILES.map(|(path, _)| String::from(path)).into_iter().collect::<BTreeSet<_>>(), there);
    }
}
