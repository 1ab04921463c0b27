//! What can go wrong in a decomposition.

use std::fmt;

/// Why a matrix could not be decomposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The iteration did not converge, which for finite input does not happen
    /// in practice: the usual cause is NaN or infinity in the input.
    NoConvergence,
    /// Factor pairs of different outer sizes (out×in) were to be combined.
    Shape {
        /// out×in of the first pair.
        expected: (usize, usize),
        /// out×in of the pair that differs.
        found: (usize, usize),
    },
    /// A device failed, or gave back what cannot be: what it said.
    Device(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NoConvergence => write!(f, "the singular value decomposition did not converge"),
            Error::Device(what) => write!(f, "the device failed: {what}"),
            Error::Shape { expected, found } => {
                write!(f, "expected a {}×{} delta, found {}×{}", expected.0, expected.1, found.0, found.1)
            }
        }
    }
}

impl std::error::Error for Error {}
