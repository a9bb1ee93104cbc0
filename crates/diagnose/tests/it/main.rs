//! Diagnoses of whole lakes.

mod service;
mod faults;
mod growth;
mod kinds;
mod sample;
