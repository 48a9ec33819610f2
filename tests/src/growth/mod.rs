//! How the core's costs grow, measured and drawn; the program is `growth`.
//!
//! [`measure`] makes a [`Table`], which is kept as a file, and [`draw`] makes a chart of it.

mod chart;
mod measure;
mod scale;
mod table;
mod touch;

pub use chart::draw;
pub use measure::{Comparison, Effort, compare_rooms, measure};
pub use table::{Figures, Row, Sweep, Table};
