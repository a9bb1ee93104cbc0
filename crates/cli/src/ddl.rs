//! `albatross ddl`: what makes the lake known to another engine.

use std::io::Write;

use albatross_lake::ddl::{As, Engine, create_database, create_table};
use albatross_lake::{Lake, Table};
use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::exit::{Exit, UsageError};
use crate::s3::S3Args;

/// Print the statements that make the lake's tables known to Athena, Trino or Spark.
///
/// All tables that the lake has, with its address: albatross ddl athena > tables.sql. docs/scale.md says what else each engine needs.
#[derive(Args)]
pub(crate) struct Ddl {
    /// Whose SQL.
    #[arg(value_name = "ENGINE")]
    engine: Name,
    /// Tables of plain Parquet files with their columns, for engines that cannot read Delta's log. They also count files that `maintain`
    /// has replaced, until it deletes them.
    #[arg(long)]
    parquet: bool,
    /// Database (Trino: schema) that they are put in.
    #[arg(long, value_name = "NAME", default_value = "albatross", value_parser = parse_database)]
    database: String,
    /// Where the engine finds the lake, if not under the lake's own address: s3a://bucket/prefix, file:///mnt/lake.
    #[arg(long, value_name = "URL")]
    location: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Name {
    Athena,
    Trino,
    Spark,
}

pub(crate) fn run(lake: &str, s3: &S3Args, args: &Ddl) -> Result<Exit> {
    let engine = match args.engine {
        Name::Athena => Engine::Athena,
        Name::Trino => Engine::Trino,
        Name::Spark => Engine::Spark,
    };
    let how = if args.parquet { As::Files } else { As::Delta };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let script = runtime.block_on(async {
        let lake = Lake::open_with(lake, &s3.s3()).await?;
        let root = args.location.clone().unwrap_or_else(|| address(lake.root().as_str(), engine));
        if engine == Engine::Athena && !root.starts_with("s3://") {
            let text = format!("Athena reads S3 only, and the lake is at {root}; --location says where a copy is");
            return Err(UsageError(text).into());
        }
        let mut script = create_database(engine, &args.database);
        for table in Table::ALL {
            let snapshot = lake.snapshot(table).await?;
            if snapshot.version.is_some() {
                script += "\n";
                script += &create_table(engine, how, &args.database, &root, table, &snapshot)?;
            }
        }
        anyhow::Ok(script)
    })?;
    std::io::stdout().lock().write_all(script.as_bytes())?;
    Ok(Exit::Fine)
}

/// Spark without Amazon's own file system calls S3 `s3a`.
fn address(root: &str, engine: Engine) -> String {
    match (engine, root.strip_prefix("s3://")) {
        (Engine::Spark, Some(rest)) => format!("s3a://{rest}"),
        _ => root.to_owned(),
    }
}

/// What all three take as a name without doubt.
fn parse_database(text: &str) -> Result<String, String> {
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    match !text.is_empty() && text.chars().all(fine) {
        true => Ok(text.to_owned()),
        false => Err("give lower-case letters, digits and _".to_owned()),
    }
}
