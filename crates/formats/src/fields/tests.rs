use super::*;

fn all(line: &str) -> Vec<String> {
    let mut splitter = Splitter::<8>::new();
    let fields = splitter.split(line.as_bytes()).unwrap();
    (0..fields.count()).map(|i| String::from_utf8(fields.get(i).to_vec()).unwrap()).collect()
}

fn torn(line: &[u8]) -> Option<UnterminatedQuote> {
    Splitter::<8>::new().split(line).err()
}

#[test]
fn quotes_and_spaces() {
    assert_eq!(all(r#"a "b c" d"#), ["a", "b c", "d"]);
    assert_eq!(all(r#"a "say \"hi\" \\" d"#), ["a", r#"say \"hi\" \\"#, "d"]);
    assert_eq!(all(r#""-" "-"1 x"#), ["-", "-", "1", "x"]);
    assert_eq!(all(r#"a  "" c "#), ["a", "", "", "c"]);
    assert_eq!(all(""), [""; 0]);
    assert_eq!(torn(br#"a "b c"#), Some(UnterminatedQuote(2)));
    assert_eq!(torn(br#"a "b\"#), Some(UnterminatedQuote(2)));
}

#[test]
fn the_surplus_is_kept_as_written() {
    let mut splitter = Splitter::<2>::new();
    let two = splitter.split(br#"a b "c d" - "#).unwrap();
    assert_eq!((two.count(), two.surplus), (2, br#""c d" -"#.as_slice()));
    assert_eq!(splitter.split(b"a b").unwrap().surplus, b"");
    assert_eq!(splitter.split(b"a b ").unwrap().surplus, b"");
    assert_eq!(splitter.split(b"a").unwrap().get(1), b"-");
    let long = format!("a b {}", "c ".repeat(500));
    assert_eq!(splitter.split(long.as_bytes()).unwrap().surplus, long[4..].trim_end().as_bytes());
}

#[test]
fn unquoted_fields_keep_their_quotes() {
    let line = br#"tls - "h2","http/1.1" 2026 - "#;
    let mut splitter = Splitter::<4>::new();
    let fields = splitter.split_unquoted(line);
    assert_eq!((fields.count(), fields.get(2), fields.surplus), (4, br#""h2","http/1.1""#.as_slice(), &b"-"[..]));
    assert_eq!(fields.place(2), Some(6));
}

/// What the line is split into, with or without its end being found before.
type Parts<'a> = Result<(Vec<(u32, u32)>, bool, &'a [u8]), UnterminatedQuote>;

fn by_definition(line: &[u8]) -> Parts<'_> {
    let mut edges = Edges::NONE;
    let surplus = split_any::<5>(line, &mut edges)?;
    let (ranges, is_ascii, _) = parts(&Fields { line, edges: &edges, quoted: true, places: None, surplus: b"" });
    Ok((ranges, is_ascii, surplus))
}

fn parts<'a>(fields: &Fields<'a, 5>) -> (Vec<(u32, u32)>, bool, &'a [u8]) {
    ((0..fields.count()).map(|i| fields.range(i)).collect(), fields.is_ascii(), fields.surplus)
}

#[test]
fn all_ways_agree() {
    let samples = [
        r#"a "b c" d"#,
        r#"a "b" "#,
        r#"a "b""#,
        r#"a b"c d"e f"#,
        r#""-" "-"1 x"#,
        r#"a  "" c "#,
        r#"a "b \"c\" d" e"#,
        r#""a b"#,
        r#"a "b c"#,
        r#"a "b" c "d"#,
        r#""""#,
        r#"" ""#,
        r#"a"b"#,
        r#""a"b""#,
        " ",
        "  a",
        "a ",
        "\"",
        "",
        r#"a ",," b"#,
        "ä ",
        "a b c d e",
        "a b c d e ",
        "a b c d e f",
        "a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a",
    ];
    let filler = ["", "x", "some words of some length to move the edges of blocks about, and \"quoted ones too\" "];
    let after = ["", "\n", "\nthe \"next line", "\n\"next\" \\ \n ä \n"];
    for (sample, fill) in samples.iter().flat_map(|sample| filler.map(|fill| (sample, fill))) {
        for repeat in 0..70 {
            let line = format!("{}{sample}{}{sample}", fill.repeat(repeat % 7), "y".repeat(repeat));
            for (processor, after) in Processor::all().into_iter().flat_map(|p| after.map(|after| (p, after))) {
                let mut splitter = Splitter::<5> { processor, ..Splitter::new() };
                let text = format!("{line}{after}");
                let end = splitter.line_end(text.as_bytes());
                assert_eq!(end, (!after.is_empty()).then_some(line.len()), "{processor:?} {text:?}");
                let line = &text.as_bytes()[..line.len()];
                let want = by_definition(line);
                for _ in 0..2 {
                    let got = splitter.split(line).map(|fields| parts(&fields));
                    assert_eq!(got, want, "{processor:?} {text:?}");
                }
            }
        }
    }
}

#[test]
fn spans_hold_whole_fields() {
    let line = br#"one "two three" four "" "five""#;
    let (mut splitter, mut again) = (Splitter::<5>::new(), Splitter::<5>::new());
    let fields = splitter.split(line).unwrap();
    for (first, last) in [(0, 1), (1, 3), (2, 4), (4, 4)] {
        let span = again.split(fields.span(first, last)).unwrap();
        assert_eq!(span.count(), last - first + 1);
        assert!((first..=last).all(|i| span.get(i - first) == fields.get(i)));
    }
}

#[test]
fn a_span_that_the_line_lacks_is_a_place_in_it() {
    let line = b"a b";
    let mut splitter = Splitter::<8>::new();
    let span = splitter.split(line).unwrap().span(4, 6);
    assert!(span.is_empty() && line.as_ptr_range().contains(&span.as_ptr()));
}

#[test]
fn another_line_is_not_taken_for_the_one_that_was_found() {
    let mut splitter = Splitter::<5>::new();
    let text = b"a b c\nd e\n";
    assert_eq!(splitter.line_end(text), Some(5));
    // As behind a byte order mark, or before a carriage return.
    assert_eq!(splitter.split(&text[2..5]).unwrap().count(), 2);
    assert_eq!(splitter.line_end(&text[6..]), Some(3));
    assert_eq!(splitter.split(&text[6..8]).unwrap().count(), 1);
}

#[test]
fn the_fast_way_is_the_one_that_lines_really_take() {
    let line = br#"https 2026 app/x 1.2.3.4:5 - 0.0 "GET https://x/ HTTP/1.1" "a b" - "-" x"#;
    for processor in Processor::all() {
        let mut splitter = Splitter::<40> { processor, ..Splitter::new() };
        assert_eq!(splitter.scan(line), Shape::Regular { end: line.len(), has_surplus: false });
    }
}
