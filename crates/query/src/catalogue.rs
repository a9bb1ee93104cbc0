//! All queries that have a name: those built in, and the user's own.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use crate::header::{self, Query};
use crate::names::nearest;
use crate::{Error, Result};

include!(concat!(env!("OUT_DIR"), "/built_in.rs"));

/// The queries by name.
#[derive(Debug, Clone)]
pub struct Catalogue {
    queries: BTreeMap<String, Entry>,
}

/// A query, or the fault of its file: line and problem.
#[derive(Debug, Clone)]
enum Entry {
    Good(Box<Query>),
    Faulty { file: String, line: usize, problem: String },
}

impl Entry {
    fn new(name: &str, file: String, sql: &str, built_in: bool) -> Entry {
        let problem = if is_name(name) {
            header::parse(name, sql)
        } else {
            Err((0, "the file's name must be lower-case letters, digits, `_` and `-`".to_owned()))
        };
        match problem {
            Ok(query) => Entry::Good(Box::new(Query { built_in, file, ..query })),
            Err((line, problem)) => Entry::Faulty { file, line, problem },
        }
    }

    fn get(&self) -> Result<&Query> {
        match self {
            Entry::Good(query) => Ok(query),
            Entry::Faulty { file, line, problem } => {
                Err(Error::QueryFile { file: file.clone(), line: *line, problem: problem.clone() })
            }
        }
    }
}

impl Catalogue {
    /// The built-in queries and every `.sql` file in the user's folder; a file with the name of a built-in query takes
    /// its place.
    ///
    /// # Errors
    /// The folder cannot be read. A faulty file in it is no error here but where its query is asked for, so that it
    /// does not keep the others from running; see [`Catalogue::faults`].
    pub fn load(user_folder: Option<&Path>) -> Result<Catalogue> {
        let mut queries = BTreeMap::new();
        for (name, sql) in BUILT_IN {
            let entry = Entry::new(name, format!("queries/{name}.sql"), sql, true);
            queries.insert((*name).to_owned(), entry);
        }
        if let Some(folder) = user_folder {
            let fault = |error: io::Error| Error::QueryFile {
                file: folder.display().to_string(),
                line: 0,
                problem: format!("the folder of queries cannot be read: {error}"),
            };
            for file in fs::read_dir(folder).map_err(fault)? {
                let path = file.map_err(fault)?.path();
                let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) else {
                    continue;
                };
                if path.extension().is_none_or(|extension| extension != "sql") {
                    continue;
                }
                let file = path.display().to_string();
                let entry = match fs::read_to_string(&path) {
                    Ok(sql) => Entry::new(name, file, &sql, false),
                    Err(error) => Entry::Faulty { file, line: 0, problem: error.to_string() },
                };
                queries.insert(name.to_owned(), entry);
            }
        }
        Ok(Catalogue { queries })
    }

    /// The query of this name.
    ///
    /// # Errors
    /// There is none, or its file is faulty.
    pub fn get(&self, name: &str) -> Result<&Query> {
        match self.queries.get(name) {
            Some(entry) => entry.get(),
            None => Err(Error::NoSuchQuery {
                name: name.to_owned(),
                hint: nearest(name, self.queries.keys())
                    .map(|near| format!("; did you mean `{near}`?"))
                    .unwrap_or_default(),
            }),
        }
    }

    /// All good queries, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Query> {
        self.queries.values().filter_map(|entry| entry.get().ok())
    }

    /// What is wrong with the files that are faulty.
    pub fn faults(&self) -> impl Iterator<Item = Error> {
        self.queries.values().filter_map(|entry| entry.get().err())
    }
}

fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    name.bytes().next().is_some_and(plain) && name.bytes().all(|b| plain(b) || b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_query_is_good() {
        let catalogue = Catalogue::load(None).unwrap();
        assert_eq!(catalogue.faults().map(|e| e.to_string()).collect::<Vec<_>>(), Vec::<String>::new());
        assert_eq!(catalogue.iter().count(), BUILT_IN.len());
        assert!(catalogue.iter().all(|query| query.built_in));
    }

    #[test]
    fn a_users_file_wins_and_a_faulty_one_harms_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("traffic.sql", "-- traffic: mine?\nSELECT 1");
        write("my-own.sql", "-- my-own: mine too?\nSELECT 1");
        write("broken.sql", "-- broken: why?\n-- param x: number\nSELECT 1");
        write("No Name.sql", "-- No Name: why?\nSELECT 1");
        write("notes.txt", "no query");
        let catalogue = Catalogue::load(Some(folder.path())).unwrap();
        assert_eq!(catalogue.get("traffic").unwrap().title, "mine?");
        assert!(!catalogue.get("traffic").unwrap().built_in);
        assert_eq!(catalogue.get("my-own").unwrap().title, "mine too?");
        let problem = catalogue.get("broken").unwrap_err().to_string();
        assert!(problem.ends_with("broken.sql, line 2: there is no kind `number` of parameters"), "{problem}");
        assert_eq!(catalogue.faults().count(), 2);
        assert!(catalogue.get("notes").is_err());
    }

    #[test]
    fn a_missing_folder_is_said_to_be() {
        let error = Catalogue::load(Some(Path::new("no/such/folder"))).unwrap_err().to_string();
        assert!(error.starts_with("no/such/folder: the folder of queries cannot be read"), "{error}");
    }

    #[test]
    fn a_slip_of_the_pen_gets_a_hint() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["zebra_stripes", "okapi"] {
            fs::write(folder.path().join(format!("{name}.sql")), format!("-- {name}: why?\nSELECT 1")).unwrap();
        }
        let catalogue = Catalogue::load(Some(folder.path())).unwrap();
        let error = |name| catalogue.get(name).unwrap_err().to_string();
        assert_eq!(error("okapy"), "there is no query `okapy`; did you mean `okapi`?");
        assert_eq!(error("zebra"), "there is no query `zebra`; did you mean `zebra_stripes`?");
        assert_eq!(error("Zebra-Stripes"), "there is no query `Zebra-Stripes`; did you mean `zebra_stripes`?");
        assert_eq!(error("quagga"), "there is no query `quagga`");
    }
}
