//! The report as a page: one file, without any request to elsewhere, complete without JavaScript.
//!
//! All of it is made of [`Document`]'s texts, which are escaped in one place, and of this module's own. The Content-Security-Policy allows
//! the page's one style and one script by their hashes and nothing else, so that even a text that slipped through could do nothing.

mod blocks;
mod svg;

use std::fmt::{self, Write};

use albatross_query::visible;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::document::{Document, Section, Unit, document};
use crate::model::{Report, State};
use crate::words;

const STYLE: &str = concat!(include_str!("../vendor/uplot/uPlot.min.css"), "\n", include_str!("html/report.css"));
const SCRIPT: &str = concat!(include_str!("../vendor/uplot/uPlot.iife.min.js"), "\n", include_str!("html/report.js"));
const CHART_LICENSE: &str = include_str!("../vendor/uplot/LICENSE");

/// The report as one HTML file.
pub fn html(report: &Report) -> String {
    let mut out = String::with_capacity(200_000);
    // Writing to a String cannot fail.
    let _ = page(&document(report), &mut out);
    out
}

fn page(document: &Document, out: &mut String) -> fmt::Result {
    let title = escaped(&document.title);
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src '{}'; style-src '{}'; \
         img-src data:; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
        hash(SCRIPT),
        hash(STYLE),
    )?;
    write!(out, "<a class=\"skip\" href=\"#main\">Skip to the report</a>\n<header>\n<h1>{title}</h1>\n")?;
    writeln!(out, "<p class=\"muted\">{}</p>", escaped(&document.subtitle))?;
    verdict(document, out)?;
    out.push_str("</header>\n<nav aria-label=\"Contents\"><ul>");
    for section in &document.sections {
        write!(out, "<li><a href=\"#{}\">{}</a></li>", section.id, escaped(&section.title))?;
    }
    out.push_str("</ul></nav>\n<main id=\"main\">\n");
    for section in &document.sections {
        write_section(document, section, 2, out)?;
    }
    write!(
        out,
        "</main>\n<footer>\n<p class=\"muted\">Made at {} UTC by albatross report.</p>\n\
         <details><summary>Licence of the charts (uPlot)</summary><pre>{}</pre></details>\n</footer>\n",
        words::time(&document.made_at),
        escaped_lines(CHART_LICENSE),
    )?;
    writeln!(
        out,
        "<script type=\"application/json\" id=\"data\">{}</script>\n<script>{SCRIPT}</script>\n</body>\n</html>",
        data(document)
    )
}

fn verdict(document: &Document, out: &mut String) -> fmt::Result {
    let (class, label) = match document.state {
        State::Incidents => ("bad", "Something went wrong"),
        State::Quiet => ("good", "All quiet"),
        State::Empty => ("none", "Nothing to report"),
    };
    write!(out, "<div class=\"verdict {class}\">\n<p class=\"label\">{label}</p>\n")?;
    blocks::flow("p", &document.verdict, out)?;
    if !document.also.is_empty() {
        out.push_str("<ul>");
        for also in &document.also {
            blocks::flow("li", also, out)?;
        }
        out.push_str("</ul>\n");
    }
    out.push_str("</div>\n");
    if !document.figures.is_empty() {
        out.push_str("<dl class=\"figures\">");
        for figure in &document.figures {
            write!(out, "<div><dt>{}</dt><dd><b>{}</b>", figure.label, escaped(&figure.value))?;
            write!(out, "<span class=\"muted\">{}</span></dd></div>", escaped(&figure.note))?;
        }
        out.push_str("</dl>\n");
    }
    Ok(())
}

fn write_section(document: &Document, section: &Section, level: u8, out: &mut String) -> fmt::Result {
    let id = &section.id;
    writeln!(out, "<section id=\"{id}\" aria-labelledby=\"{id}-title\">")?;
    writeln!(out, "<h{level} id=\"{id}-title\">{}</h{level}>", escaped(&section.title))?;
    for block in &section.blocks {
        blocks::block(&document.axis, block, out)?;
    }
    for part in &section.parts {
        write_section(document, part, level + 1, out)?;
    }
    out.push_str("</section>\n");
    Ok(())
}

/// What the script draws: the charts' values and the incidents.
fn data(document: &Document) -> String {
    let charts: Vec<_> = document
        .sections
        .iter()
        .flat_map(|section| &section.blocks)
        .filter_map(|block| match block {
            crate::document::Block::Chart(chart) => Some(chart),
            _ => None,
        })
        .map(|chart| {
            let series: Vec<_> = chart
                .series
                .iter()
                .map(|series| {
                    let (color, dashed) = match series.style.split_once(' ') {
                        Some((color, _)) => (color, true),
                        None => (series.style, false),
                    };
                    serde_json::json!({ "name": series.name, "color": color, "dashed": dashed, "area": series.is_area, "values": series.values })
                })
                .collect();
            let unit = match chart.unit {
                Unit::Count => "count",
                Unit::Percent => "percent",
                Unit::Seconds => "seconds",
            };
            serde_json::json!({ "id": chart.id, "unit": unit, "log": chart.is_log, "top": chart.top, "series": series })
        })
        .collect();
    let axis = &document.axis;
    let data = serde_json::json!({
        "start": axis.start, "seconds": axis.seconds, "slots": axis.slots, "incidents": axis.incidents, "charts": charts,
    });
    // Inside a script nothing but `<` could end it or change how it is read.
    data.to_string().replace('<', "\\u003c")
}

/// A text as text in an element or an attribute; what acts on a screen, as a change of writing direction does, is written out.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 8);
    for c in visible(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

fn escaped_lines(text: &str) -> String {
    text.lines().map(escaped).collect::<Vec<_>>().join("\n")
}

/// As a Content-Security-Policy names it.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A parser would see another text than the one that is hashed.
    #[test]
    fn what_is_inlined_stays_what_it_is() {
        for text in [STYLE, SCRIPT] {
            let lower = text.to_ascii_lowercase();
            for end in ["\r", "\0", "</script", "</style", "<!--"] {
                assert!(!lower.contains(end), "{end:?}");
            }
        }
        // That of the empty text, as every list of hashes has it.
        assert_eq!(hash(""), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }

    #[test]
    fn nothing_of_a_text_is_markup() {
        let hostile = "</script><img src=x onerror='alert(1)'>\"&\u{202e}gpj.exe\u{0}\u{1b}[2J";
        assert_eq!(
            escaped(hostile),
            "&lt;/script&gt;&lt;img src=x onerror=&#39;alert(1)&#39;&gt;&quot;&amp;\\u{202e}gpj.exe\\x00\\x1b[2J"
        );
    }
}
