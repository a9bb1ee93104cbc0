//! A folder as a bucket: each file is an object, its path the key.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Objects grow here until they are whole; not part of the bucket.
const UPLOADS: &str = ".loopback-s3";

/// Above all that a key can have: behind a folder's name, the end of that folder.
const HIGHEST: char = char::MAX;

/// Not every key can be a path: none has an empty part, `.` or `..`, or is a folder of another; nor may one end in a slash.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    /// Whoever changes what there is holds this.
    changing: Mutex<()>,
    uploads: AtomicU64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) key: String,
    pub(crate) size: u64,
    pub(crate) modified: SystemTime,
}

/// What is to be listed.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) prefix: String,
    /// Keys with a slash behind the prefix are summed up as folders.
    pub(crate) folders: bool,
    /// Only keys behind this one.
    pub(crate) after: String,
    pub(crate) most: usize,
}

/// A part of a listing, in the order of keys.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) objects: Vec<Object>,
    pub(crate) folders: Vec<String>,
    /// `after` of the next part, if there is one.
    pub(crate) next: Option<String>,
}

/// Whether a request goes on, given what is there now.
type Condition<'a> = &'a dyn Fn(Option<&Object>) -> bool;

impl Object {
    /// Another one whenever the object is written anew.
    pub(crate) fn etag(&self) -> String {
        let age = self.modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        format!("\"{:x}-{:x}\"", age.as_nanos(), self.size)
    }

    fn new(key: &str, metadata: &fs::Metadata) -> io::Result<Object> {
        Ok(Object { key: key.to_owned(), size: metadata.len(), modified: metadata.modified()? })
    }
}

impl Folder {
    pub(crate) fn new(root: &Path) -> io::Result<Folder> {
        let root = root.canonicalize()?;
        fs::create_dir_all(root.join(UPLOADS))?;
        Ok(Folder { root, changing: Mutex::default(), uploads: AtomicU64::new(u64::from(std::process::id()) << 32) })
    }

    /// Fails with [`ErrorKind::InvalidInput`] where a key cannot be a path.
    fn path(&self, key: &str) -> io::Result<PathBuf> {
        let fine = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
        if !key.split('/').all(fine) || key.split('/').next() == Some(UPLOADS) {
            return Err(io::Error::new(ErrorKind::InvalidInput, "this key cannot be a path"));
        }
        Ok(self.root.join(key))
    }

    /// Fails with [`ErrorKind::NotFound`] where there is none.
    pub(crate) fn open(&self, key: &str) -> io::Result<(Object, File)> {
        let file = File::open(self.path(key)?).map_err(|error| match error.kind() {
            ErrorKind::NotADirectory => ErrorKind::NotFound.into(),
            _ => error,
        })?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(ErrorKind::NotFound.into());
        }
        Ok((Object::new(key, &metadata)?, file))
    }

    pub(crate) fn put(&self, key: &str, body: &[u8], condition: Condition<'_>) -> io::Result<Option<Object>> {
        let path = self.path(key)?;
        let upload = self.root.join(UPLOADS).join(self.uploads.fetch_add(1, Ordering::Relaxed).to_string());
        fs::write(&upload, body)?;
        let put = self.publish(key, &upload, &path, condition);
        if !matches!(put, Ok(Some(_))) {
            let _ = fs::remove_file(&upload);
        }
        put
    }

    fn publish(&self, key: &str, upload: &Path, path: &Path, condition: Condition<'_>) -> io::Result<Option<Object>> {
        let _changing = self.change();
        let there = match self.open(key) {
            Ok((object, _)) => Some(object),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if !condition(there.as_ref()) {
            return Ok(None);
        }
        fs::create_dir_all(path.parent().unwrap_or(&self.root))?;
        fs::rename(upload, path)?;
        Object::new(key, &fs::metadata(path)?).map(Some)
    }

    /// That there is none is fine. Folders that become empty go too: in a bucket they are nothing.
    pub(crate) fn delete(&self, key: &str) -> io::Result<()> {
        let path = self.path(key)?;
        let _changing = self.change();
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(()),
            Err(error) => return Err(error),
        }
        for folder in path.ancestors().skip(1).take_while(|folder| **folder != self.root) {
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(())
    }

    pub(crate) fn list(&self, asked: &Asked) -> io::Result<Page> {
        let mut page = Page::default();
        if asked.most > 0 {
            self.walk("", asked, &mut page, &mut String::new())?;
        }
        Ok(page)
    }

    /// Adds what is in a folder, in order; `false` once the page is full. `last` is `after` behind what was added last.
    fn walk(&self, folder: &str, asked: &Asked, page: &mut Page, last: &mut String) -> io::Result<bool> {
        for key in self.keys(folder)? {
            let is_folder = key.ends_with('/');
            let wanted = key.starts_with(&asked.prefix) || is_folder && asked.prefix.starts_with(&key);
            let passed = key <= asked.after && !(is_folder && asked.after.starts_with(&key));
            if !wanted || passed {
                continue;
            }
            let sum_up = is_folder && asked.folders && key.len() > asked.prefix.len();
            if is_folder && !sum_up {
                if !self.walk(&key, asked, page, last)? {
                    return Ok(false);
                }
                continue;
            }
            let found = match sum_up {
                true => self.has_any(&key, &asked.after)?.then_some(None),
                false => self.object(&key)?.map(Some),
            };
            let Some(object) = found else { continue };
            if page.objects.len() + page.folders.len() == asked.most {
                page.next = Some(std::mem::take(last));
                return Ok(false);
            }
            *last = if sum_up { format!("{key}{HIGHEST}") } else { key.clone() };
            match object {
                Some(object) => page.objects.push(object),
                None => page.folders.push(key),
            }
        }
        Ok(true)
    }

    /// Whether a folder has a key behind `after`.
    fn has_any(&self, folder: &str, after: &str) -> io::Result<bool> {
        let asked = Asked { prefix: folder.to_owned(), after: after.to_owned(), most: 1, folders: false };
        let mut page = Page::default();
        self.walk(folder, &asked, &mut page, &mut String::new())?;
        Ok(!page.objects.is_empty())
    }

    /// What stands in a folder, in the order of keys: folders with a slash behind them.
    fn keys(&self, folder: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.root.join(folder)) {
            Ok(entries) => entries,
            // Somebody deleted its last object.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut keys = Vec::new();
        for entry in entries {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if folder.is_empty() && name == UPLOADS {
                continue;
            }
            keys.push(format!("{folder}{name}{}", if entry.file_type()?.is_dir() { "/" } else { "" }));
        }
        keys.sort();
        Ok(keys)
    }

    /// `None` if it is gone.
    fn object(&self, key: &str) -> io::Result<Option<Object>> {
        match fs::metadata(self.root.join(key)) {
            Ok(metadata) => Object::new(key, &metadata).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn change(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes of an open file.
pub(crate) fn read(file: &mut File, range: Range<u64>) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(range.start))?;
    let size = range.end - range.start;
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    file.take(size).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == size { Ok(bytes) } else { Err(ErrorKind::UnexpectedEof.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All parts of a listing, each of at most so many.
    fn listed(folder: &Folder, prefix: &str, folders: bool, after: &str, most: usize) -> Vec<String> {
        let mut names = Vec::new();
        let mut asked = Asked { prefix: prefix.to_owned(), folders, after: after.to_owned(), most };
        loop {
            let page = folder.list(&asked).unwrap();
            assert!(page.objects.len() + page.folders.len() <= most);
            let mut part: Vec<String> = page.objects.into_iter().map(|object| object.key).chain(page.folders).collect();
            part.sort();
            names.extend(part);
            match page.next {
                Some(next) => asked.after = next,
                None => return names,
            }
        }
    }

    #[test]
    fn lists_as_s3_does_whatever_the_size_of_a_page() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path()).unwrap();
        let mut keys: Vec<String> =
            ["a", "a-b", "a.log", "b/1", "b/c/2", "b/c/3", "b/d/4", "b-/5", "b0", "ä/6 7"].map(str::to_owned).into();
        for key in &keys {
            assert!(folder.put(key, b"x", &|_| true).unwrap().is_some());
        }
        fs::create_dir_all(dir.path().join("b/empty/deeper")).unwrap();
        keys.sort();
        // What S3 says by definition.
        let by_definition = |prefix: &str, folders: bool, after: &str| {
            let mut names: Vec<String> = Vec::new();
            for key in keys.iter().filter(|key| key.starts_with(prefix) && key.as_str() > after) {
                let slash = key[prefix.len()..].find('/').filter(|_| folders);
                names.push(slash.map_or(key.clone(), |at| key[..=prefix.len() + at].to_owned()));
            }
            names.dedup();
            names
        };
        for prefix in ["", "a", "b", "b/", "b/c", "b/c/", "b/c/2", "b-", "x", "ä"] {
            for folders in [false, true] {
                for after in ["", "a", "b", "b/", "b/c/2", "b/c/3", "b/zz", "zz"] {
                    for most in [1, 2, 3, 1000] {
                        let what = format!("prefix {prefix:?}, folders {folders}, after {after:?}, {most} at most");
                        assert_eq!(
                            listed(&folder, prefix, folders, after, most),
                            by_definition(prefix, folders, after),
                            "{what}"
                        );
                    }
                }
            }
        }
        assert_eq!(folder.list(&Asked::default()).unwrap(), Page::default(), "none at most");
    }

    #[test]
    fn objects_come_and_go() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path()).unwrap();
        let absent = |there: Option<&Object>| there.is_none();
        let first = folder.put("a/b c", b"one", &absent).unwrap().unwrap();
        assert_eq!(folder.put("a/b c", b"two", &absent).unwrap(), None);
        let (object, mut file) = folder.open("a/b c").unwrap();
        assert_eq!((&object, read(&mut file, 1..3).unwrap()), (&first, b"ne".to_vec()));
        assert_eq!(read(&mut file, 1..4).unwrap_err().kind(), ErrorKind::UnexpectedEof);
        let second = folder.put("a/b c", b"three", &|there| there == Some(&first)).unwrap().unwrap();
        assert!(second.etag() != first.etag());
        assert_eq!(fs::read_dir(dir.path().join(UPLOADS)).unwrap().count(), 0);

        for key in ["", "/a", "a//b", "a/", "../x", "a/../../x", "./a", "a\0", ".loopback-s3/1"] {
            assert_eq!(folder.put(key, b"x", &absent).unwrap_err().kind(), ErrorKind::InvalidInput, "{key}");
            assert_eq!(folder.open(key).unwrap_err().kind(), ErrorKind::InvalidInput, "{key}");
        }
        for key in ["a", "a/b c/d", "x"] {
            assert_eq!(folder.open(key).unwrap_err().kind(), ErrorKind::NotFound, "{key}");
        }
        assert!(folder.put("a", b"x", &absent).is_err(), "it is a folder of another");
        folder.delete("x").unwrap();
        folder.delete("a/b c").unwrap();
        assert!(!dir.path().join("a").exists());
    }
}
