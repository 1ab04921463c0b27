//! A QR code as the path of an SVG picture.

use qrcodegen::{QrCode, QrCodeEcc};
use std::fmt::Write;

/// Modules that stay light on each side, as ISO/IEC 18004 asks for.
const QUIET: i32 = 4;

/// A QR code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qr {
    /// Side of the picture in modules, the four light ones on each side among them: `viewBox="0 0 size size"`.
    pub size: u32,
    /// The dark modules, as the `d` of a path: a rectangle for each run of a row.
    pub path: String,
}

/// The QR code of a text: with error correction M (15 %), for longer texts L (7 %). `None` for more than about 2,900 bytes.
pub fn qr(text: &str) -> Option<Qr> {
    let levels = [QrCodeEcc::Medium, QrCodeEcc::Low];
    let code = levels.into_iter().find_map(|level| QrCode::encode_text(text, level).ok())?;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let run = (x..code.size()).take_while(|x| code.get_module(*x, y)).count() as i32;
            if run > 0 {
                let _ = write!(path, "M{} {}h{run}v1h-{run}z", x + QUIET, y + QUIET);
            }
            x += run.max(1);
        }
    }
    Some(Qr { size: u32::try_from(code.size() + 2 * QUIET).ok()?, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The picture as a viewer fills it.
    fn filled(qr: &Qr) -> Vec<Vec<bool>> {
        let side = qr.size as usize;
        let mut dark = vec![vec![false; side]; side];
        for piece in qr.path.split('M').skip(1) {
            let (at, rest) = piece.split_once('h').unwrap();
            let (x, y) = at.split_once(' ').unwrap();
            let run: usize = rest.split_once('v').unwrap().0.parse().unwrap();
            assert_eq!(rest, format!("{run}v1h-{run}z"));
            let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
            dark[y][x..x + run].fill(true);
        }
        dark
    }

    #[test]
    fn the_path_fills_the_dark_modules_and_no_other() {
        for (text, level) in [("1zABC".to_owned(), QrCodeEcc::Medium), ("x".repeat(2600), QrCodeEcc::Low)] {
            let code = QrCode::encode_text(&text, level).unwrap();
            let qr = qr(&text).unwrap();
            assert_eq!(qr.size, code.size() as u32 + 8);
            for (y, row) in filled(&qr).into_iter().enumerate() {
                for (x, dark) in row.into_iter().enumerate() {
                    // Outside of the code there are no dark modules.
                    assert_eq!(dark, code.get_module(x as i32 - QUIET, y as i32 - QUIET), "{x} {y}");
                }
            }
        }
    }

    #[test]
    fn what_is_too_long_has_none() {
        assert!(qr(&"x".repeat(2953)).is_some());
        assert_eq!(qr(&"x".repeat(2954)), None);
        assert!(qr("").is_some());
    }
}
