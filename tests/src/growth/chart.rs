//! A table as a chart: a panel for each sweep, a line for each figure.
//!
//! Drawn by two hundred lines here: a charting library brings more code than all the tools have, and would decide about
//! the style, which here follows the reader's light or dark colour scheme.

use std::fmt::Write as _;

use super::scale::{Scale, decades};
use super::table::{Figures, Sweep, Table};

/// Writes a line of SVG.
macro_rules! put {
    ($svg:expr, $($format:tt)*) => {
        writeln!($svg, $($format)*).expect("a string takes everything")
    };
}

/// A line in every panel.
struct Series {
    label: &'static str,
    class: &'static str,
    of: fn(&Figures) -> f64,
    /// The shape at each data point, so that lines differ in more than their colour.
    marker: &'static str,
}

const SERIES: [Series; 3] = [
    Series {
        label: "saying a line, whoever reads it",
        class: "say",
        of: |figures| figures.say,
        marker: r#"<circle r="3.5"/>"#,
    },
    Series {
        label: "its delivery to a reader, alone",
        class: "alone",
        of: |figures| figures.alone,
        marker: r#"<path d="M-3.5 -3.5h7v7h-7z"/>"#,
    },
    Series {
        label: "its delivery among a hundred",
        class: "among",
        of: |figures| figures.among_100,
        marker: r#"<path d="M0 -4.5l4.5 8h-9z"/>"#,
    },
];

const WIDTH: f64 = 1_200.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 64.0;
const GAP: f64 = 54.0;
const RIGHT: f64 = 32.0;
const TOP: f64 = 84.0;
const BOTTOM: f64 = 72.0;

/// Colours for a light and a dark page. As classes, since not every viewer supports CSS variables.
const STYLE: &str = "\
text{font:13px system-ui,sans-serif;fill:#1f2328}.title{font-size:17px;font-weight:600}.small{font-size:12px;fill:#59636e}\
.page{fill:#fff}.grid{stroke:#d1d9e0;stroke-width:1}.axis{stroke:#818b98;stroke-width:1}\
.line{fill:none;stroke-width:2;stroke-linejoin:round}\
.say .line{stroke:#0969da}.say{fill:#0969da}.alone .line{stroke:#bc4c00}.alone{fill:#bc4c00}\
.among .line{stroke:#1a7f37}.among{fill:#1a7f37}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#9198a1}.page{fill:#0d1117}.grid{stroke:#2a313c}\
.axis{stroke:#656c76}.say .line{stroke:#58a6ff}.say{fill:#58a6ff}.alone .line{stroke:#f0883e}.alone{fill:#f0883e}\
.among .line{stroke:#3fb950}.among{fill:#3fb950}}";

/// Draws a table as SVG.
///
/// # Errors
///
/// A sweep has fewer than two rows.
pub fn draw(table: &Table) -> Result<String, String> {
    if table.rows.is_empty() {
        return Err("there are no rows".to_owned());
    }
    let figures = || table.rows.iter().flat_map(|row| SERIES.iter().map(move |series| (series.of)(&row.figures)));
    let vertical = Scale::new(decades(figures()), (HEIGHT - BOTTOM, TOP));
    let mut svg = String::new();
    frame(&mut svg, table);
    let panels = (0_u8..).zip(Sweep::ALL).map(|(i, _)| f64::from(i) + 1.0).fold(0.0, f64::max);
    let width = (WIDTH - LEFT - RIGHT - (panels - 1.0) * GAP) / panels;
    for (i, sweep) in (0_u8..).zip(Sweep::ALL) {
        let left = LEFT + f64::from(i) * (width + GAP);
        panel(&mut svg, table, sweep, vertical, (left, left + width))?;
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

/// Writes what surrounds the panels.
fn frame(svg: &mut String, table: &Table) {
    put!(svg, r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">"#);
    put!(svg, "<title>How the core's costs grow</title><style>{STYLE}</style>");
    put!(svg, r#"<rect class="page" width="{WIDTH}" height="{HEIGHT}"/>"#);
    put!(svg, r#"<text class="title" x="{LEFT}" y="30">What the core spends on a message</text>"#);
    for (i, Series { label, class, marker, .. }) in (0_u8..).zip(&SERIES) {
        let x = LEFT + 6.0 + 235.0 * f64::from(i);
        put!(svg, r#"<g class="{class}" transform="translate({x} 54)">{marker}</g>"#);
        put!(svg, r#"<text x="{}" y="58">{label}</text>"#, x + 12.0);
    }
    let notes = table.notes.join("; ");
    put!(svg, r#"<text class="small" x="{}" y="{}" text-anchor="end">{}</text>"#, WIDTH - RIGHT, 30.0, escaped(&notes));
}

/// Draws a sweep between two horizontal positions.
fn panel(
    svg: &mut String,
    table: &Table,
    sweep: Sweep,
    vertical: Scale,
    (left, right): (f64, f64),
) -> Result<(), String> {
    let points = || table.sweep(sweep).map(|row| f64::from(row.at));
    let (least, most) = points().fold((f64::INFINITY, 0_f64), |(least, most), at| (least.min(at), most.max(at)));
    if least >= most {
        return Err(format!("there are fewer than two rows of {}", sweep.name()));
    }
    let horizontal = Scale::new((least, most), (left, right));
    let bottom = HEIGHT - BOTTOM;
    for tick in vertical.ticks(10.0) {
        let y = vertical.position(tick);
        put!(svg, r#"<path class="grid" d="M{left:.1} {y:.1}H{right:.1}"/>"#);
        if left <= LEFT {
            put!(svg, r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#, left - 8.0, y + 4.0, span(tick));
        }
    }
    let base = if sweep == Sweep::Bytes { 4.0 } else { 10.0 };
    for tick in horizontal.ticks(base) {
        let x = horizontal.position(tick);
        put!(svg, r#"<path class="grid" d="M{x:.1} {TOP}V{bottom}"/>"#);
        let number = number(tick, sweep);
        put!(svg, r#"<text class="small" x="{x:.1}" y="{:.1}" text-anchor="middle">{number}</text>"#, bottom + 18.0);
    }
    put!(svg, r#"<path class="axis" d="M{left:.1} {bottom}H{right:.1}"/>"#);
    let (middle, [what, otherwise]) = (f64::midpoint(left, right), caption(sweep));
    put!(svg, r#"<text x="{middle:.1}" y="{:.1}" text-anchor="middle">{what}</text>"#, bottom + 40.0);
    put!(
        svg,
        r#"<text class="small" x="{middle:.1}" y="{:.1}" text-anchor="middle">{otherwise}</text>"#,
        bottom + 58.0
    );
    for Series { class, of, marker, .. } in &SERIES {
        let points: Vec<_> = table
            .sweep(sweep)
            .map(|row| (horizontal.position(row.at.into()), vertical.position(of(&row.figures))))
            .map(|(x, y)| format!("{x:.1} {y:.1}"))
            .collect();
        put!(svg, r#"<g class="{class}"><path class="line" d="M{}"/>"#, points.join("L"));
        for point in points {
            put!(svg, r#"<g transform="translate({point})">{marker}</g>"#);
        }
        svg.push_str("</g>\n");
    }
    Ok(())
}

/// Returns the variable of a sweep, and what stays fixed.
fn caption(sweep: Sweep) -> [&'static str; 2] {
    match sweep {
        Sweep::Sessions => ["sessions", "one of them speaks, 64 bytes"],
        Sweep::Bytes => ["bytes of a message", "1,000 sessions, one speaks"],
        Sweep::Senders => ["senders, in turn", "1,000 sessions, 64 bytes"],
        Sweep::Rooms => ["rooms of ten members", "in each one speaks, 64 bytes"],
    }
}

/// Returns the label of a number on a horizontal axis.
fn number(number: f64, sweep: Sweep) -> String {
    match sweep {
        Sweep::Bytes if number > 1_023.0 => format!("{:.0} KiB", number / 1_024.0),
        Sweep::Sessions | Sweep::Senders | Sweep::Rooms if number > 999.0 => format!("{:.0},000", number / 1_000.0),
        _ => format!("{number:.0}"),
    }
}

/// Returns the label of a power of ten nanoseconds.
fn span(nanos: f64) -> String {
    if nanos < 999.0 { format!("{} ns", (nanos * 1e3).round() / 1e3) } else { format!("{} µs", (nanos / 1e3).round()) }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::super::table::Row;
    use super::*;

    fn table(points: &[u32]) -> Table {
        let figures = Figures { say: 120.0, alone: 40.0, among_100: 0.7 };
        let rows =
            Sweep::ALL.into_iter().flat_map(|sweep| points.iter().map(move |at| Row { sweep, at: *at, figures }));
        Table { notes: vec!["a <fast> machine".into()], rows: rows.collect() }
    }

    #[test]
    fn every_figure_of_every_row_has_its_mark() {
        let svg = draw(&table(&[10, 100, 1_000])).expect("it can be drawn");
        // One of each kind is in the legend.
        assert_eq!(svg.matches("<circle").count(), 1 + Sweep::ALL.len() * 3);
        assert_eq!(svg.matches(r#"class="line""#).count(), Sweep::ALL.len() * SERIES.len());
        assert!(svg.contains("a &lt;fast> machine"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn a_line_takes_two_places() {
        assert!(draw(&table(&[10])).is_err());
        assert!(draw(&Table::default()).is_err());
    }
}
