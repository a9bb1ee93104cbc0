//! Diagnoses of whole lakes.

mod service;
mod faults;
mod kinds;
mod sample;
