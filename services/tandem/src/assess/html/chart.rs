//! Charts of the page: horizontal bars with their label above, drawn in the reader's browser by the embedded plotly.js.
//!
//! Labels stand above their bars, so that a long one fits a phone. Colours of text come from the page's style sheet (it
//! knows dark mode and print); colours of bars are mid-tones that carry on light and dark ground.

use plotly::common::{
    Anchor, ConstrainText, Font, HoverInfo, Label, Marker, Orientation, Pattern, PatternShape, TextPosition,
};
use plotly::configuration::DisplayModeBar;
use plotly::layout::{Annotation, Axis, BarMode, DragMode, HoverMode, Margin, UniformText, UniformTextMode};
use plotly::{Bar, Configuration, Layout, Traces};
use serde::Serialize;

use super::embed::{plotly_text, script_json};
use crate::assess::words::{Tone, number};

/// Height of one bar with its label, in pixels.
const ROW: usize = 48;
/// Thickness of a bar with its count beside it, as a part of [`ROW`].
const SLIM: f64 = 0.32;
/// Thickness of a bar with counts inside, as a part of [`ROW`].
const STOUT: f64 = 0.46;
/// Between a bar and its label, in pixels.
const LABEL_GAP: f64 = 2.0;
/// Room above the middle of the first bar, for its label, as a part of [`ROW`].
const HEADROOM: f64 = 0.75;
/// Room below the last bar, as a part of [`ROW`].
const FOOTROOM: f64 = 0.05;
/// Width of a digit of the count beside a bar, in pixels: of the widest fonts of [`FONT`].
const DIGIT: usize = 9;

/// As in the style sheet.
const FONT: &str = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";

/// A chart, ready for the page.
pub(super) struct Chart {
    /// Id of the element that it is drawn into.
    pub(super) id: &'static str,
    /// What it shows, for those who cannot see it.
    pub(super) label: String,
    /// In pixels.
    pub(super) height: usize,
    /// plotly's figure, safe inside a script element.
    pub(super) figure: String,
    /// Colours and what they mean; empty where labels say it.
    pub(super) legend: Vec<(Ink, String)>,
}

/// A colour by what it means. The style sheet has a swatch class of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    Teal,
    Blue,
    Orange,
    Grey,
    /// Hatched: not known.
    Pale,
    /// A lighter blue: part of a bar.
    Sky,
}

impl Ink {
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Teal => "teal",
            Self::Blue => "blue",
            Self::Orange => "orange",
            Self::Grey => "grey",
            Self::Pale => "pale",
            Self::Sky => "sky",
        }
    }

    /// Repeated in the style sheet; a test compares the two.
    pub(super) const fn colour(self) -> &'static str {
        match self {
            Self::Teal => "#0f8580",
            Self::Blue => "#4d74cc",
            Self::Orange => "#c8641b",
            Self::Grey => "#8490a1",
            Self::Pale => "#b4bcc8",
            Self::Sky => "#a3bbec",
        }
    }

    /// Text on a ground of this colour.
    const fn text_colour(self) -> &'static str {
        match self {
            Self::Pale | Self::Sky => "#1b2430",
            Self::Teal | Self::Blue | Self::Orange | Self::Grey => "#ffffff",
        }
    }

    #[cfg(test)]
    pub(super) const ALL: [Self; 6] =
        [Self::Teal, Self::Blue, Self::Orange, Self::Grey, Self::Pale, Self::Sky];
}

impl From<Tone> for Ink {
    fn from(tone: Tone) -> Self {
        match tone {
            Tone::Done => Self::Teal,
            Tone::Moving => Self::Blue,
            Tone::Attention => Self::Orange,
            Tone::Outside => Self::Grey,
            Tone::Unknown => Self::Pale,
        }
    }
}

/// One bar.
pub(super) struct BarRow {
    pub(super) label: String,
    pub(super) devices: u64,
    /// Shown on hover.
    pub(super) detail: String,
    pub(super) ink: Ink,
}

/// One colour of stacked bars.
pub(super) struct Series {
    pub(super) name: String,
    pub(super) ink: Ink,
    /// Devices and hover text per bar.
    pub(super) segments: Vec<(u64, String)>,
}

#[derive(Serialize)]
struct Figure {
    data: Traces,
    layout: Layout,
    config: Configuration,
}

/// A bar a row, with its count beside it.
pub(super) fn bars(id: &'static str, label: &str, rows: &[BarRow]) -> serde_json::Result<Chart> {
    let widest = rows.iter().map(|row| number(row.devices).len()).max().unwrap_or(1);
    let trace = Bar::new(rows.iter().map(|row| row.devices).collect(), positions(rows.len()))
        .orientation(Orientation::Horizontal)
        .width(SLIM)
        .marker(
            Marker::new()
                .color_array(rows.iter().map(|row| row.ink.colour()).collect())
                .pattern(hatching(rows.iter().map(|row| row.ink))),
        )
        .text_array(rows.iter().map(|row| number(row.devices)).collect())
        .text_position(TextPosition::Outside)
        .constrain_text(ConstrainText::None)
        .clip_on_axis(false)
        .hover_text_array(rows.iter().map(|row| plotly_text(&row.detail)).collect())
        .hover_info(HoverInfo::Text);
    let mut data = Traces::new();
    data.push(trace);
    let labels: Vec<&str> = rows.iter().map(|row| row.label.as_str()).collect();
    let longest = rows.iter().map(|row| row.devices).max().unwrap_or(0);
    let layout = layout(&labels, SLIM, longest, widest * DIGIT + 12);
    finish(id, label, rows.len(), data, layout, Vec::new())
}

/// Bars of the same whole, split by colour.
pub(super) fn stacked(
    id: &'static str,
    label: &str,
    labels: &[&str],
    series: &[Series],
) -> serde_json::Result<Chart> {
    let mut data = Traces::new();
    for one in series {
        data.push(
            Bar::new(one.segments.iter().map(|(devices, _)| *devices).collect(), positions(labels.len()))
                .name(plotly_text(&one.name))
                .orientation(Orientation::Horizontal)
                .width(STOUT)
                .marker(
                    Marker::new()
                        .color(one.ink.colour())
                        .pattern(hatching(std::iter::repeat_n(one.ink, labels.len()))),
                )
                .text_array(one.segments.iter().map(|(devices, _)| segment_text(*devices)).collect())
                .text_position(TextPosition::Inside)
                .text_angle(0.0)
                .inside_text_font(Font::new().size(12).color(one.ink.text_colour()))
                .hover_text_array(one.segments.iter().map(|(_, detail)| plotly_text(detail)).collect())
                .hover_info(HoverInfo::Text),
        );
    }
    let total =
        |bar: usize| series.iter().filter_map(|one| one.segments.get(bar)).map(|(devices, _)| devices).sum();
    let longest = (0..labels.len()).map(total).max().unwrap_or(0);
    let layout = layout(labels, STOUT, longest, 4)
        .bar_mode(BarMode::Stack)
        .uniform_text(UniformText::new().mode(UniformTextMode::Hide).min_size(11));
    let legend = series.iter().map(|one| (one.ink, one.name.clone())).collect();
    finish(id, label, labels.len(), data, layout, legend)
}

/// Nothing for nothing: a zero at the foot of a bar is noise.
fn segment_text(devices: u64) -> String {
    if devices == 0 { String::new() } else { number(devices) }
}

fn finish(
    id: &'static str,
    label: &str,
    rows: usize,
    data: Traces,
    layout: Layout,
    legend: Vec<(Ink, String)>,
) -> serde_json::Result<Chart> {
    let height = rows * ROW;
    let config = Configuration::new()
        // The page's script looks after the width: the library would miss what is no change of the window.
        .responsive(false)
        .display_mode_bar(DisplayModeBar::False)
        .display_logo(false)
        .show_tips(false)
        .typeset_math(false);
    let figure = script_json(&Figure { data, layout: layout.height(height), config })?;
    Ok(Chart { id, label: label.to_owned(), height, figure, legend })
}

/// Bars stand at whole numbers, the first at the top.
fn positions(rows: usize) -> Vec<usize> {
    (0..rows).collect()
}

fn hatching(inks: impl Iterator<Item = Ink>) -> Pattern {
    let shape = |ink| if ink == Ink::Pale { PatternShape::RightDiagonalLine } else { PatternShape::None };
    Pattern::new().shape_array(inks.map(shape).collect()).size(6.0).solidity(0.25)
}

/// `longest` is the longest bar's length: it reaches to `right` pixels before the edge.
fn layout(labels: &[&str], thickness: f64, longest: u64, right: usize) -> Layout {
    let bare = || {
        Axis::new()
            .fixed_range(true)
            .show_grid(false)
            .zero_line(false)
            .show_tick_labels(false)
            .show_line(false)
    };
    let annotations = labels.iter().enumerate().map(|(row, label)| {
        Annotation::new()
            .text(plotly_text(label))
            .x_ref("paper")
            .x(0)
            .x_anchor(Anchor::Left)
            .y(row)
            .y_anchor(Anchor::Bottom)
            .y_shift(thickness * ROW as f64 / 2.0 + LABEL_GAP)
            .show_arrow(false)
            .border_pad(0.0)
    });
    // Reversed, so that the first row is on top.
    let foot = labels.len() as f64 - 1.0 + thickness / 2.0 + FOOTROOM;
    Layout::new()
        .margin(Margin::new().left(0).right(right).top(0).bottom(0).pad(0))
        .font(Font::new().family(FONT).size(13))
        .paper_background_color("rgba(0,0,0,0)")
        .plot_background_color("rgba(0,0,0,0)")
        .show_legend(false)
        .drag_mode(DragMode::False)
        .hover_mode(HoverMode::Closest)
        .hover_label(
            Label::new()
                .background_color("#1b2430")
                .border_color("#1b2430")
                .font(Font::new().family(FONT).color("#ffffff").size(13)),
        )
        .x_axis(bare().range(vec![0.0, longest.max(1) as f64]))
        .y_axis(bare().range(vec![foot, -HEADROOM]))
        .annotations(annotations.collect())
}
