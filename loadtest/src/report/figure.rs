//! Drawing: axes, areas and lines with their names beside them, as one SVG.
//!
//! Invariant: every line has its name at its end and every area its name in it, so that nothing
//! depends on colour; text is the browser's own. Never here: what a figure means ([`plots`] says).
//!
//! [`plots`]: super::plots

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::report::axis::Axis;
use crate::report::words::escaped;

/// The backend counts in whole units: four to a pixel keep curves smooth.
const FINE: i32 = 4;
const WIDTH: i32 = 760;
const LEFT: i32 = 62;
const RIGHT: i32 = 132;
const TOP: i32 = 26;
const BOTTOM: i32 = 44;
const TEXT: i32 = 13;
const LABEL_GAP: i32 = 16;

pub(crate) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
const FAINT: RGBColor = RGBColor(0x60, 0x60, 0x60);
const GRID: RGBColor = RGBColor(0xDD, 0xDD, 0xDD);

/// A figure to draw.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    /// What a reader who cannot see it should hear.
    pub(crate) about: String,
    pub(crate) height: i32,
    pub(crate) x: Axis,
    pub(crate) x_title: &'static str,
    pub(crate) y: Axis,
    pub(crate) y_title: &'static str,
    pub(crate) areas: Vec<Area>,
    pub(crate) lines: Vec<Line>,
    /// Points with a name to the lower right of them, where a rising curve leaves room.
    pub(crate) marks: Vec<((f64, f64), String)>,
}

/// A filled outline.
#[derive(Debug, Clone)]
pub(crate) struct Area {
    pub(crate) outline: Vec<(f64, f64)>,
    pub(crate) colour: RGBColor,
    /// Its name and the middle of it, if there is room there.
    pub(crate) label: Option<((f64, f64), String)>,
}

/// A line of one or more pieces.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// Empty if the area under it has one.
    pub(crate) name: String,
    pub(crate) pieces: Vec<Vec<(f64, f64)>>,
    pub(crate) colour: RGBColor,
    pub(crate) width: u32,
}

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

impl Figure {
    /// The figure as an `svg` element; if it cannot be drawn, a sentence that says so.
    pub(crate) fn svg(&self) -> String {
        let mut svg = String::new();
        match self.draw(&mut svg) {
            // In HTML the namespace is known, and the size is the page's matter.
            Ok(()) => svg.split_once("viewBox").map_or_else(String::new, |(_, rest)| {
                let rest = rest.replacen(" xmlns=\"http://www.w3.org/2000/svg\"", "", 1);
                format!("<svg role=\"img\" aria-label=\"{}\" viewBox{rest}", escaped(&self.about))
            }),
            Err(error) => format!("<p>Not drawn: {}</p>", escaped(&error.to_string())),
        }
    }

    fn draw(&self, svg: &mut String) -> Drawn {
        let size = ((WIDTH * FINE).unsigned_abs(), (self.height * FINE).unsigned_abs());
        let canvas = SVGBackend::with_string(svg, size).into_drawing_area();
        let chart = ChartBuilder::on(&canvas)
            .margin_left(LEFT * FINE)
            .margin_right(RIGHT * FINE)
            .margin_top(TOP * FINE)
            .margin_bottom(BOTTOM * FINE)
            .build_cartesian_2d(self.x.from..self.x.to, self.y.from..self.y.to)?;
        self.draw_grid(&canvas, &chart)?;
        self.draw_areas(&canvas, &chart)?;
        for line in &self.lines {
            for piece in &line.pieces {
                let path = piece.iter().map(|point| chart.backend_coord(point));
                let style = line.colour.stroke_width(line.width * FINE.unsigned_abs());
                canvas.draw(&PathElement::new(path.collect::<Vec<_>>(), style))?;
            }
        }
        self.draw_axes(&canvas, &chart)?;
        self.draw_names(&canvas, &chart)?;
        for (point, name) in &self.marks {
            let (x, y) = chart.backend_coord(point);
            canvas.draw(&Circle::new((x, y), 3 * FINE, INK.filled()))?;
            let near = (x + 6 * FINE, y + 5 * FINE);
            write(&canvas, name, near, (HPos::Left, VPos::Top, INK))?;
        }
        canvas.present()?;
        Ok(())
    }

    fn right(&self) -> i32 {
        (WIDTH - RIGHT) * FINE
    }

    fn floor(&self) -> i32 {
        (self.height - BOTTOM) * FINE
    }

    fn draw_grid(&self, canvas: &Canvas<'_>, chart: &Chart<'_, '_>) -> Drawn {
        for (at, _) in &self.y.ticks {
            let y = chart.backend_coord(&(self.x.from, *at)).1;
            let rule = vec![(LEFT * FINE, y), (self.right(), y)];
            canvas.draw(&PathElement::new(rule, GRID.stroke_width(FINE.unsigned_abs())))?;
        }
        Ok(())
    }

    fn draw_areas(&self, canvas: &Canvas<'_>, chart: &Chart<'_, '_>) -> Drawn {
        for area in &self.areas {
            let outline: Vec<_> =
                area.outline.iter().map(|point| chart.backend_coord(point)).collect();
            canvas.draw(&Polygon::new(outline, area.colour.filled()))?;
        }
        Ok(())
    }

    fn draw_axes(&self, canvas: &Canvas<'_>, chart: &Chart<'_, '_>) -> Drawn {
        let floor = self.floor();
        let base = vec![(LEFT * FINE, floor), (self.right(), floor)];
        canvas.draw(&PathElement::new(base, INK.stroke_width(FINE.unsigned_abs())))?;
        for (at, text) in &self.y.ticks {
            let y = chart.backend_coord(&(self.x.from, *at)).1;
            write(canvas, text, ((LEFT - 8) * FINE, y), (HPos::Right, VPos::Center, FAINT))?;
        }
        for (at, text) in &self.x.ticks {
            let x = chart.backend_coord(&(*at, self.y.from)).0;
            let tick = vec![(x, floor), (x, floor + 4 * FINE)];
            canvas.draw(&PathElement::new(tick, INK.stroke_width(FINE.unsigned_abs())))?;
            write(canvas, text, (x, floor + 7 * FINE), (HPos::Center, VPos::Top, FAINT))?;
        }
        let above = (0, 4 * FINE);
        write(canvas, self.y_title, above, (HPos::Left, VPos::Top, INK))?;
        let below = (self.right(), floor + 23 * FINE);
        write(canvas, self.x_title, below, (HPos::Right, VPos::Top, FAINT))
    }

    fn draw_names(&self, canvas: &Canvas<'_>, chart: &Chart<'_, '_>) -> Drawn {
        for (at, name) in self.areas.iter().filter_map(|area| area.label.as_ref()) {
            let place = chart.backend_coord(at);
            write(canvas, name, place, (HPos::Center, VPos::Center, INK))?;
        }
        let ends: Vec<_> = self
            .lines
            .iter()
            .filter(|line| !line.name.is_empty())
            .filter_map(|line| Some((line, chart.backend_coord(line.pieces.last()?.last()?))))
            .collect();
        let wanted: Vec<i32> = ends.iter().map(|(_, end)| end.1).collect();
        let places = spread(&wanted, LABEL_GAP * FINE, (TOP * FINE, self.floor()));
        for ((line, end), y) in ends.into_iter().zip(places) {
            let thin = line.colour.mix(0.6).stroke_width(FINE.unsigned_abs());
            let leader = vec![end, (self.right() + 2 * FINE, end.1), (self.right() + 12 * FINE, y)];
            canvas.draw(&PathElement::new(leader, thin))?;
            let place = (self.right() + 15 * FINE, y);
            write(canvas, &line.name, place, (HPos::Left, VPos::Center, INK))?;
        }
        Ok(())
    }
}

fn write(
    canvas: &Canvas<'_>,
    text: &str,
    place: (i32, i32),
    (h, v, colour): (HPos, VPos, RGBColor),
) -> Drawn {
    // The backend divides a size by 1.24 again.
    let size = f64::from(TEXT * FINE) * 1.24;
    let style = TextStyle::from(("sans-serif", size).into_font()).color(&colour);
    canvas.draw_text(text, &style.pos(Pos::new(h, v)), place)?;
    Ok(())
}

/// Where labels go that want to be at `wanted`, at least `gap` apart and within `bounds` if they
/// fit there, in their order from top to bottom.
fn spread(wanted: &[i32], gap: i32, bounds: (i32, i32)) -> Vec<i32> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|&label| wanted[label]);
    let mut places = wanted.to_vec();
    let mut least = bounds.0;
    for &label in &order {
        places[label] = places[label].max(least);
        least = places[label] + gap;
    }
    let mut most = bounds.1;
    for &label in order.iter().rev() {
        places[label] = places[label].min(most);
        most = places[label] - gap;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_want_one_place_stand_apart_within_bounds() {
        assert_eq!(spread(&[50, 50, 90], 10, (0, 100)), [50, 60, 90]);
        assert_eq!(spread(&[100, 100, 100], 10, (0, 100)), [80, 90, 100]);
        assert_eq!(spread(&[], 10, (0, 100)), [0_i32; 0]);
    }
}
