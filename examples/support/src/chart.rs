//! Pictures as SVG in the working folder: lines and dots, small images.

use anyhow::{Context, Result};
use plotters::{coord::ranged1d::ValueFormatter, prelude::*};
use std::ops::Range;

const WIDE: (u32, u32) = (720, 420);
const SQUARE: (u32, u32) = (560, 520);
const COLORS: [RGBColor; 5] = [
    RGBColor(31, 119, 180),
    RGBColor(255, 127, 14),
    RGBColor(44, 160, 44),
    RGBColor(214, 39, 40),
    RGBColor(127, 127, 127),
];

/// How a series is drawn.
#[derive(Clone, Copy, PartialEq)]
pub enum Mark {
    /// A line from point to point.
    Line,
    /// A dot at each point.
    Dots,
}

/// A chart of some series.
pub struct Chart<'a> {
    caption: &'a str,
    axes: [&'a str; 2],
    log: bool,
    square: bool,
    legend: SeriesLabelPosition,
    series: Vec<Series<'a>>,
}

struct Series<'a> {
    name: &'a str,
    mark: Mark,
    points: Vec<(f64, f64)>,
}

impl<'a> Chart<'a> {
    /// A chart without series; `axes` describe x and y.
    pub fn new(caption: &'a str, axes: [&'a str; 2]) -> Self {
        Self {
            caption,
            axes,
            log: false,
            square: false,
            legend: SeriesLabelPosition::UpperRight,
            series: vec![],
        }
    }

    /// With a logarithmic y axis.
    pub fn log(mut self) -> Self {
        self.log = true;
        self
    }

    /// With one scale for both axes.
    pub fn square(mut self) -> Self {
        self.square = true;
        self
    }

    /// With the legend at the lower right, not the upper.
    pub fn legend_below(mut self) -> Self {
        self.legend = SeriesLabelPosition::LowerRight;
        self
    }

    /// With one more series.
    pub fn with(
        mut self,
        name: &'a str,
        mark: Mark,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        let points = points.into_iter().collect();
        self.series.push(Series { name, mark, points });
        self
    }

    /// With a line of values over 1, 2, 3, …
    pub fn curve(self, name: &'a str, values: &[f64]) -> Self {
        let points = values.iter().enumerate().map(|(i, v)| ((i + 1) as f64, *v));
        self.with(name, Mark::Line, points)
    }

    /// Writes `NAME.svg`.
    pub fn write(&self, name: &str) -> Result<()> {
        let path = format!("{name}.svg");
        let size = if self.square { SQUARE } else { WIDE };
        let area = SVGBackend::new(&path, size).into_drawing_area();
        let (x, y) = (self.range(|p| p.0), self.range(|p| p.1));
        match (self.log, self.square) {
            (true, _) => self.draw(&area, x, (y.start / 1.5..y.end * 1.5).log_scale()),
            (_, false) => self.draw(&area, x, with_margin(&y, y.end - y.start)),
            (_, true) => {
                let longest = (x.end - x.start).max(y.end - y.start);
                self.draw(&area, with_margin(&x, longest), with_margin(&y, longest))
            }
        }
        .with_context(|| format!("cannot draw {path}"))?;
        area.present()
            .with_context(|| format!("cannot write {path}"))?;
        println!("picture: {path}");
        Ok(())
    }

    fn range(&self, of: impl Fn(&(f64, f64)) -> f64) -> Range<f64> {
        let values = self.series.iter().flat_map(|series| &series.points).map(of);
        let start = (f64::INFINITY, f64::NEG_INFINITY);
        let (low, high) = values.fold(start, |(low, high), v| (low.min(v), high.max(v)));
        low..high
    }

    fn draw<Y>(
        &self,
        area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
        x: Range<f64>,
        y: impl plotters::coord::ranged1d::AsRangedCoord<CoordDescType = Y, Value = f64>,
    ) -> Result<()>
    where
        Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
    {
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(area)
            .caption(self.caption, ("sans-serif", 20))
            .margin(16)
            .x_label_area_size(36)
            .y_label_area_size(64)
            .build_cartesian_2d(x, y)?;
        let [x_desc, y_desc] = self.axes;
        chart
            .configure_mesh()
            .disable_mesh()
            .x_desc(x_desc)
            .y_desc(y_desc)
            .draw()?;
        for (series, color) in self.series.iter().zip(COLORS.into_iter().cycle()) {
            let points = &series.points;
            let drawn = match series.mark {
                Mark::Line => chart.draw_series(LineSeries::new(points.iter().copied(), color))?,
                Mark::Dots => {
                    let dot = |&at: &(f64, f64)| Circle::new(at, 3, color.filled());
                    chart.draw_series(points.iter().map(dot))?
                }
            };
            drawn.label(series.name).legend(move |(x, y)| {
                Rectangle::new([(x, y - 2), (x + 14, y + 2)], color.filled())
            });
        }
        if self.series.len() > 1 {
            chart
                .configure_series_labels()
                .position(self.legend.clone())
                .background_style(WHITE)
                .border_style(BLACK)
                .draw()?;
        }
        Ok(())
    }
}

/// A range of this length and some more, with the same middle.
fn with_margin(range: &Range<f64>, length: f64) -> Range<f64> {
    let (middle, half) = ((range.start + range.end) / 2.0, 0.55 * length);
    middle - half..middle + half
}

/// One of 13 shades of grey, or of red for what is negative.
fn color(value: f64) -> RGBColor {
    let shade = 255 - 21 * (12.0 * value.abs().min(1.0)).round() as u8;
    match value < 0.0 {
        true => RGBColor(255, shade, shade),
        false => RGBColor(shade, shade, shade),
    }
}

/// Writes square images to `NAME.svg`, so many in a row. A pixel from 0 to 1 is white to black, one below 0 is red.
pub fn images(name: &str, side: usize, columns: usize, images: &[&[f64]]) -> Result<()> {
    const PIXEL: i32 = 12;
    let path = format!("{name}.svg");
    let cell = (side as i32 + 1) * PIXEL;
    let rows = images.len().div_ceil(columns);
    let size = |cells: usize| (cells as i32 * cell + PIXEL) as u32;
    let area = SVGBackend::new(&path, (size(columns), size(rows))).into_drawing_area();
    area.fill(&RGBColor(230, 230, 240))?;
    for (i, image) in images.iter().enumerate() {
        let (left, top) = (
            (i % columns) as i32 * cell + PIXEL,
            (i / columns) as i32 * cell + PIXEL,
        );
        let whole = [(left, top), (left + cell - PIXEL, top + cell - PIXEL)];
        area.draw(&Rectangle::new(whole, WHITE.filled()))?;
        for (row, pixels) in image.chunks(side).enumerate() {
            let y = top + row as i32 * PIXEL;
            let mut x = left;
            // One rectangle for neighbours of one colour.
            for run in pixels.chunk_by(|a, b| color(*a) == color(*b)) {
                let end = x + run.len() as i32 * PIXEL;
                if color(run[0]) != WHITE {
                    area.draw(&Rectangle::new(
                        [(x, y), (end, y + PIXEL)],
                        color(run[0]).filled(),
                    ))?;
                }
                x = end;
            }
        }
    }
    area.present()
        .with_context(|| format!("cannot write {path}"))?;
    println!("picture: {path}");
    Ok(())
}
