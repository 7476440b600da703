//! A receipt: the place of a ballot in the journal, as text `partition-offset-index`.
//!
//! It proves nothing by itself and names nobody; whoever may read it is decided by the token.

use std::fmt;
use std::str::FromStr;

/// The place of one ballot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Receipt {
    /// Partition of the journal.
    pub partition: u32,
    /// Offset of the record in it.
    pub offset: u64,
    /// Index of the ballot in the record, from 0.
    pub index: u32,
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.partition, self.offset, self.index)
    }
}

/// The text is not a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a receipt has the form partition-offset-index, such as 12-88342-17")]
pub struct NotAReceipt;

impl FromStr for Receipt {
    type Err = NotAReceipt;

    fn from_str(text: &str) -> Result<Self, NotAReceipt> {
        let mut parts = text.split('-');
        let receipt = Self {
            partition: canonical(parts.next())?,
            offset: canonical(parts.next())?,
            index: canonical(parts.next())?,
        };
        if parts.next().is_some() { Err(NotAReceipt) } else { Ok(receipt) }
    }
}

/// A number without sign or leading zero, so that a place has one text only.
fn canonical<N: FromStr>(part: Option<&str>) -> Result<N, NotAReceipt> {
    let part = part.ok_or(NotAReceipt)?;
    let plain = part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain || part.len() > 1 && part.starts_with('0') {
        return Err(NotAReceipt);
    }
    part.parse().map_err(|_| NotAReceipt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_has_one_text_and_reads_back() {
        let receipt = Receipt { partition: 12, offset: 88_342, index: 17 };
        assert_eq!(receipt.to_string(), "12-88342-17");
        assert_eq!("12-88342-17".parse(), Ok(receipt));
        for wrong in ["", "1-2", "1-2-3-4", "+1-2-3", "01-2-3", "1--3", "1-2-4294967296", "a-2-3"] {
            assert_eq!(wrong.parse::<Receipt>(), Err(NotAReceipt), "{wrong}");
        }
    }
}
