//! Panels drawn to one SVG file: what a dashboard would show of a time that has passed.

use std::path::Path;

use plotters::prelude::*;

use crate::Error;

const WIDTH: u32 = 560;
const HEIGHT: u32 = 260;
const COLUMNS: usize = 2;

/// Told apart in print and by most who see colours otherwise (Okabe and Ito, 2008).
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(90, 90, 90),
];

/// A panel: lines over seconds.
#[derive(Debug)]
pub(crate) struct Plot {
    pub(crate) title: String,
    pub(crate) lines: Vec<(String, Vec<(f64, f64)>)>,
}

/// Draws them, two beside each other.
pub(crate) fn draw(plots: &[Plot], file: &Path) -> Result<(), Error> {
    let rows = plots.len().div_ceil(COLUMNS);
    let height = u32::try_from(rows)? * HEIGHT;
    let size = (WIDTH * u32::try_from(COLUMNS)?, height);
    let area = SVGBackend::new(file, size).into_drawing_area();
    area.fill(&WHITE)?;
    for (plot, part) in plots.iter().zip(area.split_evenly((rows, COLUMNS))) {
        one(plot, &part)?;
    }
    area.present()?;
    Ok(())
}

fn one(
    plot: &Plot,
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
) -> Result<(), Error> {
    let points = || plot.lines.iter().flat_map(|(_, values)| values);
    let seconds = points().map(|(at, _)| *at).fold(1.0, f64::max);
    let highest = points().map(|(_, value)| *value).fold(0.0, f64::max);
    let top = if highest > 0.0 { highest * 1.15 } else { 1.0 };
    let mut chart = ChartBuilder::on(area)
        .caption(&plot.title, ("sans-serif", 15))
        .margin(10)
        .x_label_area_size(24)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..seconds, 0.0..top)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .x_labels(7)
        .y_labels(5)
        .x_label_formatter(&|s| format!("{s:.0} s"))
        .y_label_formatter(&|value| short(*value))
        .draw()?;
    let many = plot.lines.len() > COLOURS.len();
    for ((legend, values), place) in plot.lines.iter().zip(0..) {
        let colour = COLOURS[place % COLOURS.len()];
        let line = LineSeries::new(values.iter().copied(), colour.stroke_width(2));
        let drawn = chart.draw_series(line)?;
        if !many && !legend.is_empty() {
            drawn.label(legend).legend(move |(x, y)| {
                PathElement::new([(x, y), (x + 12, y)], colour.stroke_width(2))
            });
        }
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .label_font(("sans-serif", 11))
        .draw()?;
    Ok(())
}

/// A number with few digits: `12k`, `30M`.
fn short(value: f64) -> String {
    let (value, unit) = match value {
        v if v >= 1e6 => (v / 1e6, "M"),
        v if v >= 1e4 => (v / 1e3, "k"),
        v => (v, ""),
    };
    let digits = if value == value.trunc() {
        0
    } else if value < 1.0 {
        2
    } else {
        1
    };
    format!("{value:.digits$}{unit}")
}
