//! Lakes in temporary folders.

mod place;
mod s3;

mod commits;
mod tables;
