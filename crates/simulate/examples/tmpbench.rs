use albatross_simulate::*;
fn main() {
    let mut run = Run::new(1, "2026-11-19T18:00:00Z".parse().unwrap(), 65);
    run.rate = Some(1.002 * 2e6 / 3900.0 + 0.1);
    run.stop_after = Some(2_000_000);
    let t = std::time::Instant::now();
    let mut b = 0;
    let mut last = None;
    let o = generate_into(&Scenario::bench(), &run, &mut |f| {
        b += f.text.len();
        last = Some(f);
        Ok(())
    })
    .unwrap();
    let e = t.elapsed();
    let n = o.truth.lines;
    let f = last.unwrap();
    let t = std::time::Instant::now();
    let g = f.gzip(usize::MAX).len();
    let _ = std::io::Write::write_fmt(
        &mut std::io::stderr(),
        format_args!("{n} {b} {e:?} gzip {} -> {g} {:?}\n", f.text.len(), t.elapsed()),
    );
}
