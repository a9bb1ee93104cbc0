//! Lakes in temporary folders.

mod place;
mod replace;
mod s3;

mod commits;
mod tables;
