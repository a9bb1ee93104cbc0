//! Writes the list of the built-in queries: every `.sql` in the repository's folder `queries`.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../queries");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files: Vec<PathBuf> =
        fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
    files.sort();
    let entries: String = files
        .iter()
        .filter_map(|path| Some((path.file_stem()?.to_str()?, path)))
        .map(|(name, path)| format!("    ({name:?}, include_str!({path:?})),\n"))
        .collect();
    let list =
        format!("/// Name and text of every built-in query.\nconst BUILT_IN: &[(&str, &str)] = &[\n{entries}];\n");
    fs::write(Path::new(&env::var("OUT_DIR").unwrap_or_default()).join("built_in.rs"), list)
}
