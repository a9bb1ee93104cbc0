//! What the crate does to a lake, from outside.

#[macro_use]
mod fixture;
mod session;
mod parameters;
mod queries;
mod compare;
mod completeness;
mod output;
