
use crate::fixture;
use albatross_query::*;
#[tokio::test]
async fn scratch() {
    let lake = fixture::TestLake::evening().await;
    let session = lake.session().await;
    let mut err = std::io::stderr();
    let mut files: Vec<_> = std::env::var("Q").unwrap().split(' ').map(String::from).collect();
    files.retain(|f| !f.is_empty());
    let c = Catalogue::load(Some(std::path::Path::new(&std::env::var("QD").unwrap_or("/work/main/queries".into()))))
        .unwrap();
    for f in c.faults() {
        eprintln!("{f}");
    }
    for f in files {
        use std::io::Write;
        writeln!(err, "== {f}").unwrap();
        let stream = if f.ends_with(".sql") {
            session.sql(&std::fs::read_to_string(&f).unwrap()).await
        } else {
            match c.get(&f) {
                Ok(q) => session.query(q, &Default::default(), &fixture::clock()).await,
                Err(e) => Err(e),
            }
        };
        match stream {
            Ok(s) => {
                if let Err(e) =
                    write(if std::env::var("CSV").is_ok() {Format::Csv} else {Format::Table}, s, &mut err, &Options { width: Some(200), ..Default::default() }).await
                {
                    writeln!(err, "ERR {e}").unwrap();
                }
            }
            Err(e) => writeln!(err, "ERR {e}").unwrap(),
        }
    }
}
