//! Where bytes come from: memory, a file, a slice of a file in a browser's worker.
//!
//! Everything that reads an adapter goes through [`Source`]; offsets are 64-bit also where memory is not.

use std::io;
use std::ops::Range;
use std::sync::Arc;

/// Random access to the bytes of one file.
pub trait Source {
    /// Length in bytes.
    fn len(&self) -> u64;

    /// True for an empty file.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `buf` with the bytes at `offset`.
    ///
    /// # Errors
    /// `UnexpectedEof` when the range passes the end; whatever the medium says otherwise.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()>;

    /// Fills `buf` with several small ranges, one after the other. A medium that answers slowly but takes many
    /// questions at once, as a browser does, has a way of its own.
    ///
    /// # Errors
    /// As [`Source::read_at`], and `InvalidInput` when `buf` is not as long as the ranges together.
    fn gather(&self, ranges: &[Range<u64>], buf: &mut [u8]) -> io::Result<()> {
        let mut rest = buf;
        for range in ranges {
            let len = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
            let (this, later) = rest.split_at_mut_checked(len).ok_or(io::ErrorKind::InvalidInput)?;
            self.read_at(range.start, this)?;
            rest = later;
        }
        if rest.is_empty() { Ok(()) } else { Err(io::ErrorKind::InvalidInput.into()) }
    }
}

impl Source for [u8] {
    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let past_end = || io::Error::new(io::ErrorKind::UnexpectedEof, "the range passes the end of the data");
        let start = usize::try_from(offset).map_err(|_| past_end())?;
        let end = start.checked_add(buf.len()).ok_or_else(past_end)?;
        buf.copy_from_slice(self.get(start..end).ok_or_else(past_end)?);
        Ok(())
    }
}

impl Source for Vec<u8> {
    fn len(&self) -> u64 {
        Source::len(self.as_slice())
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.as_slice().read_at(offset, buf)
    }
}

/// Passes all methods on to what a pointer points to.
macro_rules! through_pointer {
    ($($pointer:ty),*) => {$(
        impl<S: Source + ?Sized> Source for $pointer {
            fn len(&self) -> u64 {
                (**self).len()
            }

            fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
                (**self).read_at(offset, buf)
            }

            fn gather(&self, ranges: &[Range<u64>], buf: &mut [u8]) -> io::Result<()> {
                (**self).gather(ranges, buf)
            }
        }
    )*};
}
through_pointer!(&S, Box<S>, Arc<S>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_checked() {
        let data: &dyn Source = &vec![1u8, 2, 3, 4];
        let mut two = [0; 2];
        data.read_at(2, &mut two).unwrap();
        assert_eq!((two, data.len(), data.is_empty()), ([3, 4], 4, false));
        assert!(data.read_at(3, &mut two).is_err());
        assert!(data.read_at(u64::MAX, &mut two).is_err());
        data.read_at(4, &mut []).unwrap();
        let mut three = [0; 3];
        data.gather(&[3..4, 0..2], &mut three).unwrap();
        assert_eq!(three, [4, 1, 2]);
        assert!(data.gather(&[0..1, 3..4], &mut three).is_err());
        assert!(data.gather(&[0..2, 3..5], &mut [0; 4]).is_err());
        let shared: Arc<dyn Source> = Arc::new(vec![7u8]);
        assert_eq!(Source::len(&shared), 1);
    }
}
