//! Paragraphs, lists, tables and charts.

use std::fmt::{Result, Write};

use albatross_diagnose::count;

use super::{escaped, svg};
use crate::document::{Axis, Block, Cell, Chart, Column, Parts, Table, Unit};
use crate::words;

/// Longer texts are shown cut, and whole when asked for.
const LONGEST_TEXT: usize = 700;
const LONGEST_CELL: usize = 120;
/// Texts up to this length stay in one line.
const SHORT: usize = 22;

pub(super) fn block(axis: &Axis, block: &Block, out: &mut String) -> Result {
    match block {
        Block::Text(text) => flow("p", text, out),
        Block::Finding { title, text } => {
            writeln!(out, "<p class=\"label\">{}</p>", escaped(title))?;
            flow("p", text, out)
        }
        Block::List { label, items } => {
            if !label.is_empty() {
                writeln!(out, "<p class=\"label\">{label}</p>")?;
            }
            out.push_str("<ul>");
            items.iter().try_for_each(|item| flow("li", item, out))?;
            out.push_str("</ul>\n");
            Ok(())
        }
        Block::Table(table) => write_table(table, out),
        Block::Chart(chart) => write_chart(axis, chart, out),
        Block::Parts(parts) => write_parts(parts, out),
        Block::Folded { title, blocks } => {
            writeln!(out, "<details><summary>{}</summary>", escaped(title))?;
            blocks.iter().try_for_each(|inner| self::block(axis, inner, out))?;
            out.push_str("</details>\n");
            Ok(())
        }
    }
}

/// An element with a text of any length.
pub(super) fn flow(element: &str, text: &str, out: &mut String) -> Result {
    if text.chars().nth(LONGEST_TEXT).is_none() {
        return writeln!(out, "<{element}>{}</{element}>", escaped(text));
    }
    // A paragraph cannot hold what unfolds.
    let element = if element == "p" { "div" } else { element };
    write!(out, "<{element}>")?;
    long(text, LONGEST_TEXT, out)?;
    writeln!(out, "</{element}>")
}

fn long(text: &str, most: usize, out: &mut String) -> Result {
    match text.char_indices().nth(most) {
        None => out.write_str(&escaped(text)),
        Some((end, _)) => {
            let length = text.chars().count() as u64;
            write!(out, "<details class=\"long\"><summary>{} &hellip; ", escaped(&text[..end]))?;
            write!(
                out,
                "<span class=\"muted\">{} characters</span></summary>{}</details>",
                count(length),
                escaped(text)
            )
        }
    }
}

/// In a frame of its own that scrolls, so that a narrow page does not.
fn write_table(table: &Table, out: &mut String) -> Result {
    let caption = escaped(&table.caption);
    writeln!(out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{caption}\">")?;
    writeln!(out, "<table><caption><span>{caption}</span></caption>")?;
    head(&table.columns, out)?;
    out.push_str("<tbody>\n");
    for row in &table.rows {
        out.push_str("<tr>");
        for (i, (cell, column)) in row.iter().zip(&table.columns).enumerate() {
            write_cell(cell, column, i == 0, out)?;
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
    Ok(())
}

fn head(columns: &[Column], out: &mut String) -> Result {
    out.push_str("<thead><tr>");
    for column in columns {
        let class = if column.is_number { " class=\"n\"" } else { "" };
        write!(out, "<th scope=\"col\"{class}>{}</th>", escaped(column.title))?;
    }
    out.push_str("</tr></thead>\n");
    Ok(())
}

fn write_cell(cell: &Cell, column: &Column, names_row: bool, out: &mut String) -> Result {
    let (element, scope) = if names_row { ("th", " scope=\"row\"") } else { ("td", "") };
    let class = match cell {
        Cell::Bar(..) | Cell::Spread(_) => " class=\"bar\"",
        Cell::Text(text) if text.chars().nth(SHORT).is_none() => " class=\"short\"",
        Cell::Text(_) => " class=\"text\"",
        _ if column.is_number => " class=\"n\"",
        _ => "",
    };
    write!(out, "<{element}{scope}{class}>")?;
    match cell {
        Cell::Nothing => out.push('-'),
        Cell::Text(text) => long(text, LONGEST_CELL, out)?,
        Cell::Number(text) => out.push_str(&escaped(text)),
        Cell::Bar(share, text) => {
            write!(out, "{}", escaped(text))?;
            svg::bar(*share, out)?;
        }
        Cell::Spread(places) => svg::spread(places, out)?,
    }
    write!(out, "</{element}>")
}

fn write_chart(axis: &Axis, chart: &Chart, out: &mut String) -> Result {
    let title = escaped(&chart.title);
    writeln!(out, "<figure id=\"chart-{}\">\n<figcaption>{title}</figcaption>", chart.id)?;
    svg::chart(axis, chart, out)?;
    if chart.series.len() > 1 {
        out.push_str("<ul class=\"legend\">");
        for series in &chart.series {
            write!(out, "<li>")?;
            svg::swatch(series.style, out)?;
            write!(out, "{}</li>", escaped(series.name))?;
        }
        out.push_str("</ul>\n");
    }
    let caption = format!("{title}, as numbers");
    writeln!(out, "<details class=\"values\"><summary>As a table<span class=\"hidden\">: {title}</span></summary>")?;
    writeln!(out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{caption}\">")?;
    writeln!(out, "<table><caption><span>{caption}</span></caption>")?;
    let columns = std::iter::once(Column { title: "from (UTC)", is_number: false })
        .chain(chart.series.iter().map(|series| Column { title: series.name, is_number: true }));
    head(&columns.collect::<Vec<_>>(), out)?;
    out.push_str("<tbody>\n");
    for slot in 0..axis.slots {
        write!(out, "<tr><th scope=\"row\">{}", axis.time(slot))?;
        for series in &chart.series {
            match series.values.get(slot).copied().flatten() {
                Some(value) => write!(out, "<td>{}", said(chart.unit, value))?,
                None => out.push_str("<td>-"),
            }
        }
        out.push('\n');
    }
    out.push_str("</table></div></details>\n</figure>\n");
    Ok(())
}

pub(super) fn said(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Count => count(value as u64),
        Unit::Percent => words::percent(value / 100.0),
        Unit::Seconds => words::seconds(value),
    }
}

fn write_parts(parts: &Parts, out: &mut String) -> Result {
    let title = escaped(&parts.title);
    writeln!(out, "<figure>\n<figcaption>{title}</figcaption>")?;
    svg::parts(parts, out)?;
    out.push_str("<ul class=\"legend\">");
    for part in parts.present() {
        out.push_str("<li>");
        svg::swatch(part.style, out)?;
        write!(out, "{}: {}</li>", escaped(part.name), escaped(&part.said))?;
    }
    out.push_str("</ul>\n</figure>\n");
    Ok(())
}
