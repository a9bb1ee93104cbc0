//! The report for a ticket or a terminal: GitHub's Markdown.

use std::fmt::{Result, Write};

use albatross_query::escaped;

use crate::document::{Block, Cell, Chart, Document, Section, Table, document};
use crate::model::Report;
use crate::words;

/// Longer texts are cut: the JSON has them whole.
const LONGEST_CELL: usize = 120;
const LONGEST_TEXT: usize = 1000;

/// The report as Markdown. Values from logs cannot become markup; charts are a line with their peak.
pub fn markdown(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = page(&document(report), &mut out);
    out
}

fn page(document: &Document, out: &mut String) -> Result {
    writeln!(out, "# {}\n\n**{}**", safe(&document.title), text(&document.verdict))?;
    list("", &document.also, out)?;
    for (i, figure) in document.figures.iter().enumerate() {
        let note = if figure.note.is_empty() { String::new() } else { format!(" ({})", safe(&figure.note)) };
        write!(out, "{}{} {}{note}", if i == 0 { "\n" } else { "; " }, figure.label, figure.value)?;
    }
    if !document.figures.is_empty() {
        out.push_str(".\n");
    }
    writeln!(out, "\n{}", text(&document.subtitle))?;
    for section in &document.sections {
        write_section(section, "##", out)?;
    }
    writeln!(out, "\nMade at {} UTC by albatross report.", words::time(&document.made_at))
}

fn write_section(section: &Section, level: &str, out: &mut String) -> Result {
    writeln!(out, "\n{level} {}", safe(&section.title))?;
    for block in &section.blocks {
        write_block(block, out)?;
    }
    for part in &section.parts {
        write_section(part, "###", out)?;
    }
    Ok(())
}

fn write_block(block: &Block, out: &mut String) -> Result {
    match block {
        Block::Text(said) => writeln!(out, "\n{}", text(said)),
        Block::Finding { title, text } => writeln!(out, "\n**{}** {}", safe(title), self::text(text)),
        Block::List { label, items } => list(label, items, out),
        Block::Table(table) => write_table(table, out),
        Block::Chart(Chart { title, description, .. }) => writeln!(out, "\n{}: {}", safe(title), text(description)),
        Block::Parts(parts) => {
            let said: Vec<_> = parts.present().map(|part| format!("{} {}", part.said, part.name)).collect();
            writeln!(out, "\n{}: {}.", safe(&parts.title), said.join(", "))
        }
        Block::Folded { title, blocks } => {
            writeln!(out, "\n{}:", safe(title))?;
            blocks.iter().try_for_each(|block| write_block(block, out))
        }
    }
}

fn list(label: &str, items: &[String], out: &mut String) -> Result {
    out.push('\n');
    if !label.is_empty() {
        writeln!(out, "{label}:\n")?;
    }
    items.iter().try_for_each(|item| writeln!(out, "- {}", text(item)))
}

fn write_table(table: &Table, out: &mut String) -> Result {
    let colon = if table.caption.ends_with('?') { "" } else { ":" };
    writeln!(out, "\n{}{colon}\n", safe(&table.caption))?;
    // What is only a picture is left out.
    let is_picture = |i: usize| table.rows.iter().any(|row| matches!(row.get(i), Some(Cell::Spread(_))));
    let shown: Vec<usize> = (0..table.columns.len()).filter(|i| !is_picture(*i)).collect();
    let columns = || shown.iter().map(|i| &table.columns[*i]);
    let titles: Vec<_> = columns().map(|column| safe(column.title)).collect();
    let rule: Vec<_> = columns().map(|column| if column.is_number { "---:" } else { "---" }).collect();
    writeln!(out, "| {} |\n| {} |", titles.join(" | "), rule.join(" | "))?;
    for row in &table.rows {
        let cells: Vec<_> = shown
            .iter()
            .filter_map(|i| row.get(*i))
            .map(|cell| match cell {
                Cell::Nothing | Cell::Spread(_) => "-".to_owned(),
                Cell::Text(said) => safe(&words::cut(said, LONGEST_CELL)),
                Cell::Number(said) | Cell::Bar(_, said) => safe(said),
            })
            .collect();
        writeln!(out, "| {} |", cells.join(" | "))?;
    }
    Ok(())
}

fn text(said: &str) -> String {
    safe(&words::cut(said, LONGEST_TEXT))
}

fn safe(text: &str) -> String {
    escaped(text)
}
