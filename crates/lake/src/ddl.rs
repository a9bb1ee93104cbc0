//! What makes the tables of a lake known to another engine: statements of its SQL.

use std::fmt::Write;

use arrow::datatypes::{DataType, Field, TimeUnit};

use crate::tables::{DAY, Table};
use crate::{Error, Result, Snapshot};

/// Whose SQL it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Amazon Athena, engine version 3.
    Athena,
    /// Trino's connectors for Delta Lake and for Hive.
    Trino,
    /// Apache Spark; for Delta tables with Delta Lake's package.
    Spark,
}

/// How the engine is to take a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum As {
    /// By its log, which has columns and files: what is committed, once.
    Delta,
    /// By its folder, with columns and types spelled out. Every Parquet file that lies there counts, also those that `maintain` has replaced
    /// and not deleted yet.
    Files,
}

/// The statement that creates `database`.
pub fn create_database(engine: Engine, database: &str) -> String {
    let word = if engine == Engine::Trino { "SCHEMA" } else { "DATABASE" };
    format!("CREATE {word} IF NOT EXISTS {};\n", engine.name(database))
}

/// The statements that make the table known as `database.table`; each ends in `;` and a line's end.
///
/// `root` is the lake's URL as the engine knows it. Columns are those of `snapshot`: of the table as it is, not of this version of Albatross.
/// An error if a column has a type that Albatross never makes.
pub fn create_table(
    engine: Engine,
    how: As,
    database: &str,
    root: &str,
    table: Table,
    snapshot: &Snapshot,
) -> Result<String> {
    let name = format!("{}.{}", engine.name(database), engine.name(table.name()));
    let folder = format!("{}/{}/", root.trim_end_matches('/'), table.name());
    let location = engine.text(&folder);
    let mut columns = Vec::new();
    for field in snapshot.schema.fields() {
        columns.push((engine.name(field.name()), engine.data_type(table, field)?));
    }
    let is_partitioned = table.is_partitioned();
    let list = |columns: &[(String, &str)]| {
        let lines: Vec<String> = columns.iter().map(|(name, data_type)| format!("  {name} {data_type}")).collect();
        lines.join(",\n")
    };
    Ok(match (engine, how) {
        (Engine::Athena, As::Delta) => {
            format!(
                "CREATE EXTERNAL TABLE IF NOT EXISTS {name}\nLOCATION {location}\nTBLPROPERTIES ('table_type'='DELTA');\n"
            )
        }
        (Engine::Trino, As::Delta) => {
            let (schema, table) = (engine.text(database), engine.text(table.name()));
            format!(
                "CALL system.register_table(schema_name => {schema}, table_name => {table}, table_location => {location});\n"
            )
        }
        (Engine::Spark, As::Delta) => {
            format!("CREATE TABLE IF NOT EXISTS {name} USING DELTA LOCATION {location};\n")
        }
        (Engine::Athena, As::Files) => {
            let mut ddl = String::new();
            let inside = &columns[..columns.len() - usize::from(is_partitioned)];
            let _ = writeln!(ddl, "CREATE EXTERNAL TABLE IF NOT EXISTS {name} (\n{}\n)", list(inside));
            if is_partitioned {
                let _ = writeln!(ddl, "PARTITIONED BY ({} string)", engine.name(DAY));
            }
            let _ = write!(ddl, "STORED AS PARQUET\nLOCATION {location}");
            if is_partitioned {
                let first = snapshot.files.iter().filter_map(|file| file.day).min();
                let range = first.map_or_else(|| "NOW,NOW".to_owned(), |first| format!("{first},NOW"));
                let template = engine.text(&format!("{folder}{DAY}=${{{DAY}}}/"));
                let _ = write!(
                    ddl,
                    "\nTBLPROPERTIES (\n  'projection.enabled'='true',\n  'projection.{DAY}.type'='date',\n  \
                     'projection.{DAY}.format'='yyyy-MM-dd',\n  'projection.{DAY}.range'='{range}',\n  \
                     'projection.{DAY}.interval'='1',\n  'projection.{DAY}.interval.unit'='DAYS',\n  \
                     'storage.location.template'={template}\n)"
                );
            }
            ddl + ";\n"
        }
        (Engine::Trino, As::Files) => {
            let partition =
                if is_partitioned { format!(",\n  partitioned_by = ARRAY['{DAY}']") } else { String::new() };
            let mut ddl = format!(
                "CREATE TABLE IF NOT EXISTS {name} (\n{}\n)\nWITH (\n  external_location = {location},\n  format = 'PARQUET'{partition}\n);\n",
                list(&columns)
            );
            if is_partitioned {
                let (schema, table) = (engine.text(database), engine.text(table.name()));
                let _ = writeln!(
                    ddl,
                    "CALL system.sync_partition_metadata(schema_name => {schema}, table_name => {table}, mode => 'FULL');"
                );
            }
            ddl
        }
        (Engine::Spark, As::Files) => {
            let columns = list(&columns);
            match is_partitioned {
                true => format!(
                    "CREATE TABLE IF NOT EXISTS {name} (\n{columns}\n)\nUSING PARQUET\nPARTITIONED BY ({})\nLOCATION {location};\n\
                     MSCK REPAIR TABLE {name};\n",
                    engine.name(DAY)
                ),
                false => {
                    format!("CREATE TABLE IF NOT EXISTS {name} (\n{columns}\n)\nUSING PARQUET\nLOCATION {location};\n")
                }
            }
        }
    })
}

impl Engine {
    /// Quoted, because some columns are called as words of SQL are.
    fn name(self, name: &str) -> String {
        match self {
            Engine::Athena | Engine::Spark => format!("`{}`", name.replace('`', "``")),
            Engine::Trino => format!("\"{}\"", name.replace('"', "\"\"")),
        }
    }

    fn text(self, text: &str) -> String {
        match self {
            Engine::Athena | Engine::Spark => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
            Engine::Trino => format!("'{}'", text.replace('\'', "''")),
        }
    }

    fn data_type(self, table: Table, field: &Field) -> Result<&'static str> {
        let (hive, trino) = match field.data_type() {
            DataType::Utf8 => ("string", "varchar"),
            DataType::Int32 => ("int", "integer"),
            DataType::Int64 => ("bigint", "bigint"),
            DataType::Float64 => ("double", "double"),
            DataType::Boolean => ("boolean", "boolean"),
            DataType::Date32 => ("date", "date"),
            DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => ("timestamp", "timestamp(6)"),
            other => {
                let detail = format!("`{}` is {other}, for which there is no type here", field.name());
                return Err(Error::Schema { table, detail });
            }
        };
        Ok(if self == Engine::Trino { trino } else { hive })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(table: Table) -> Snapshot {
        Snapshot { version: Some(0), schema: table.schema(), files: Vec::new() }
    }

    /// Names and types of the lines between the first `(` at a line's end and the first `)` at one's begin, or of its last column.
    fn columns(ddl: &str) -> Vec<(String, String)> {
        let body = ddl.split_once("(\n").unwrap().1.split_once("\n)").unwrap().0;
        let column = |line: &str| {
            let (name, data_type) = line.trim().trim_end_matches(',').split_once(' ').unwrap();
            (name.trim_matches(['`', '"']).to_owned(), data_type.to_owned())
        };
        body.lines().map(column).collect()
    }

    #[test]
    fn every_column_of_every_table_is_declared_with_its_type() {
        for table in Table::ALL {
            let schema = table.schema();
            for engine in [Engine::Athena, Engine::Trino, Engine::Spark] {
                let ddl = create_table(engine, As::Files, "logs", "s3://b/lake", table, &snapshot(table)).unwrap();
                let mut declared = columns(&ddl);
                if engine == Engine::Athena && table.is_partitioned() {
                    assert!(ddl.contains("PARTITIONED BY (`day` string)"), "{ddl}");
                    declared.push(("day".to_owned(), "date".to_owned()));
                }
                let wanted: Vec<(String, String)> = schema
                    .fields()
                    .iter()
                    .map(|field| {
                        let data_type = match (field.data_type(), engine) {
                            (DataType::Utf8, Engine::Trino) => "varchar",
                            (DataType::Utf8, _) => "string",
                            (DataType::Int32, Engine::Trino) => "integer",
                            (DataType::Int32, _) => "int",
                            (DataType::Int64, _) => "bigint",
                            (DataType::Float64, _) => "double",
                            (DataType::Date32, _) => "date",
                            (DataType::Timestamp(..), Engine::Trino) => "timestamp(6)",
                            (DataType::Timestamp(..), _) => "timestamp",
                            (other, _) => panic!("{table}: {other}"),
                        };
                        (field.name().clone(), data_type.to_owned())
                    })
                    .collect();
                assert_eq!(declared, wanted, "{table} for {engine:?}");
            }
        }
    }

    #[test]
    fn the_log_says_the_rest() {
        let ddl = |engine| create_table(engine, As::Delta, "logs", "s3://b/o'k/", Table::ALB, &snapshot(Table::ALB));
        let athena = "CREATE EXTERNAL TABLE IF NOT EXISTS `logs`.`alb`\nLOCATION 's3://b/o\\'k/alb/'\n\
                      TBLPROPERTIES ('table_type'='DELTA');\n";
        assert_eq!(ddl(Engine::Athena).unwrap(), athena);
        let trino = "CALL system.register_table(schema_name => 'logs', table_name => 'alb', table_location => 's3://b/o''k/alb/');\n";
        assert_eq!(ddl(Engine::Trino).unwrap(), trino);
        let spark = "CREATE TABLE IF NOT EXISTS `logs`.`alb` USING DELTA LOCATION 's3://b/o\\'k/alb/';\n";
        assert_eq!(ddl(Engine::Spark).unwrap(), spark);
        assert_eq!(create_database(Engine::Trino, "logs"), "CREATE SCHEMA IF NOT EXISTS \"logs\";\n");
    }

    #[test]
    fn other_types_are_refused() {
        let schema = arrow::datatypes::Schema::new(vec![Field::new("n", DataType::UInt8, true)]);
        let odd = Snapshot { version: Some(0), schema: std::sync::Arc::new(schema), files: Vec::new() };
        assert!(create_table(Engine::Spark, As::Files, "logs", "s3://b", Table::Ingested, &odd).is_err());
    }
}
