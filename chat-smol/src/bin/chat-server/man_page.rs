//! The manual page.

use clap::builder::StyledStr;
use clap::{Arg, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, line_break, roman};

use crate::options;

/// Returns the page, for `man -l -`.
///
/// The title and the options are written by the library. It would also put every option into the synopsis, refer to a
/// page for each subcommand, and call the end "EXTRA".
pub(crate) fn page() -> String {
    let command = options::command();
    let man = Man::new(command.clone());
    let (mut title, mut options) = (Vec::new(), Vec::new());
    let written = man
        .render_title(&mut title)
        .and_then(|()| man.render_name_section(&mut title))
        .and_then(|()| man.render_options_section(&mut options));
    written.expect("memory takes everything");
    let text = |page: Vec<u8>| String::from_utf8(page).expect("all texts are UTF-8");
    // The range and the default stand on a line of their own, as in the help.
    let options = text(options).replace("\n[", "\n.br\n[");
    [text(title), usage(&command).render(), options, notes(&command).render()].concat()
}

/// Returns the sections before the options: what can be called, and what happens without options.
fn usage(command: &Command) -> Roff {
    let name = || bold(env!("CARGO_BIN_NAME"));
    let mut page = Roff::new();
    page.control("SH", ["SYNOPSIS"]);
    page.text([name(), roman(" [OPTION]..."), line_break(), name(), roman(" COMMAND")]);
    page.control("SH", ["DESCRIPTION"]);
    page.text([roman(filled(&text(command.get_before_help())))]);
    page.control("SH", ["COMMANDS"]);
    for subcommand in command.get_subcommands() {
        let values: String = subcommand.get_positionals().map(usage_of).collect();
        page.control("TP", []);
        page.text([bold(subcommand.get_name()), roman(values)]);
        page.text([roman(text(subcommand.get_about()))]);
    }
    page
}

/// Returns how a value of a subcommand is given: ` SHELL`, or ` [NAMES]...` if there may be none or several.
fn usage_of(value: &Arg) -> String {
    let name = value.get_id().as_str().to_uppercase();
    if value.is_required_set() { format!(" {name}") } else { format!(" [{name}]...") }
}

/// Returns the sections after the options, made of what the help says there.
fn notes(command: &Command) -> Roff {
    let help = text(command.get_after_help());
    let (other, own): (Vec<&str>, Vec<&str>) =
        help.split("\n\n").partition(|paragraph| !OWN_SECTIONS.iter().any(|(begin, _)| paragraph.starts_with(begin)));
    let mut page = Roff::new();
    page.control("SH", ["NOTES"]);
    for paragraph in other {
        page.control("PP", []);
        page.text([roman(filled(paragraph))]);
    }
    for paragraph in own {
        for (begin, section) in OWN_SECTIONS {
            let Some(paragraph) = paragraph.strip_prefix(begin) else { continue };
            page.control("SH", [section]);
            match paragraph.strip_prefix('\n') {
                Some(lines) => {
                    page.control("nf", []);
                    lines.lines().for_each(|line| _ = page.text([roman(line.trim_start())]));
                    page.control("fi", []);
                }
                None => _ = page.text([roman(filled(paragraph.trim_start()))]),
            }
        }
    }
    page
}

/// The paragraphs of the help that are sections of the page, by their first words. If a line ends after these, the
/// lines that follow stay as they are.
const OWN_SECTIONS: [(&str, &str); 2] = [("Examples:", "EXAMPLES"), ("Exit status:", "EXIT STATUS")];

fn text(help: Option<&StyledStr>) -> String {
    help.map(ToString::to_string).unwrap_or_default()
}

/// Joins the lines of a paragraph; the page is wrapped where it is shown.
fn filled(paragraph: &str) -> String {
    paragraph.replace('\n', " ")
}
