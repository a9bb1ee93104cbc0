//! A URL, and what is derived from it once per distinct URL: host, path, route.

use arrow::datatypes::DataType;

use super::{Column, Keyed, NULL_KEY, Part, Text, Values, Wide};
use crate::route::Routes;
use crate::{percent, url};

/// Routes a batch may hold before new ones are gathered as `/*`: a scanner must not make every path its own endpoint.
const MAX_ROUTES: usize = 10_000;

/// A column of URLs, or of paths with or without a query. [`Host`], [`Path`] and [`Route`] are columns `in` it.
#[derive(Default)]
pub(crate) struct Url {
    urls: Wide,
    host: Part,
    path: Part,
    route: Part,
    /// By key of `path`: the key of its route, which is found once per distinct path.
    path_routes: Vec<u32>,
    /// Paths of new URLs.
    new_paths: Text,
    routes: Routes,
    /// The log has encoded what the client sent: host, path and route are of what was sent.
    is_encoded: bool,
}

impl Url {
    pub(crate) fn new(routes: Routes) -> Url {
        Url { routes, ..Url::default() }
    }

    /// Of URLs that the log has percent-encoded, whether the client had done so or not.
    pub(crate) fn encoded(routes: Routes) -> Url {
        Url { routes, is_encoded: true, ..Url::default() }
    }

    /// NULL for `-`.
    #[inline]
    pub(crate) fn push(&mut self, url: &[u8]) {
        self.urls.push(url);
    }

    pub(crate) fn values(&self) -> Values<'_> {
        // URLs of one route are alike.
        alike(self.urls.values(), self.route.of_group())
    }
}

impl Keyed for Url {
    fn keys(&self) -> &[u32] {
        self.urls.keys()
    }

    fn all_used(&self) -> bool {
        self.urls.all_used()
    }
}

impl Column for Url {
    fn data_type() -> DataType {
        DataType::Utf8
    }

    fn truncate(&mut self, rows: usize) {
        self.urls.truncate(rows);
    }

    fn clear(&mut self) {
        self.urls.clear();
        self.host.clear();
        self.path.clear();
        self.route.clear();
        self.path_routes.clear();
    }

    fn size_bytes(&self) -> usize {
        let parts = self.host.size_bytes() + self.path.size_bytes() + self.route.size_bytes();
        self.urls.size_bytes() + parts + self.path_routes.len() * 4
    }

    fn settle(&mut self) {
        let new_urls = self.urls.intern_waiting();
        self.new_paths.clear();
        for id in new_urls {
            // Lines reach this point as UTF-8.
            let logged = std::str::from_utf8(self.urls.get(id)).unwrap_or_default();
            let sent = if self.is_encoded { percent::decode(logged) } else { logged.into() };
            let parts = url::parts(&sent);
            match parts.host {
                Some(host) if host.bytes().any(|b| b.is_ascii_uppercase()) => {
                    self.host.add_verbatim(host.to_ascii_lowercase().as_bytes());
                }
                Some(host) => self.host.add_verbatim(host.as_bytes()),
                None => self.host.add_key(NULL_KEY),
            }
            // No path is `-`: it begins with a slash.
            self.new_paths.push(parts.path.unwrap_or("-").as_bytes());
        }
        let (paths, new_paths) = self.path.add_all(&self.new_paths);
        let paths: Vec<u32> = paths.to_vec();
        for id in new_paths {
            let path = std::str::from_utf8(self.path.get(id)).unwrap_or_default();
            let route = self.routes.route(path);
            let known = self.route.strings();
            let (route, _) = known.intern(if known.len() < MAX_ROUTES { route.as_bytes() } else { b"/*" });
            self.path_routes.push(route);
        }
        for path in paths {
            self.route.add_key(if path == NULL_KEY { NULL_KEY } else { self.path_routes[path as usize] });
        }
    }
}

/// Adds what makes a column's strings alike: a number for each distinct string.
fn alike<'a>(values: Values<'a>, of_string: &'a [u32]) -> Values<'a> {
    match values {
        Values::Strings(keys, strings) => Values::AlikeStrings(keys, strings, of_string),
        other => other,
    }
}

macro_rules! derived {
    ($($(#[$doc:meta])* $name:ident: $values:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Default)]
        pub(crate) struct $name;

        impl $name {
            pub(crate) fn values<'a>(&self, url: &'a Url) -> Values<'a> {
                let values: fn(&Url) -> Values<'_> = $values;
                values(url)
            }
        }

        /// The URL holds it.
        impl Column for $name {
            fn data_type() -> DataType {
                DataType::Utf8
            }
            fn truncate(&mut self, _: usize) {}
            fn clear(&mut self) {}
            fn size_bytes(&self) -> usize {
                0
            }
        }
    )*};
}

derived! {
    /// Host of the URL, lower case, without port; NULL for a URL that is only a path.
    Host: |url| url.host.values(url);
    /// Path of the URL, without query.
    Path: |url| alike(url.path.values(url), &url.path_routes);
    /// Template of the path, such as `/api/users/:id`.
    Route: |url| url.route.values(url);
}
