//! Lakes in temporary folders.

mod place;

mod commits;
mod tables;
