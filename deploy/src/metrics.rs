//! The table of metrics in `docs/metrics.md`: the names and labels that processes export and that
//! rules and dashboards may use.

use std::collections::BTreeMap;

/// Where the table is.
pub const FILE: &str = "docs/metrics.md";

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// `counter`, `gauge` or `histogram`.
    pub kind: String,
    /// Its labels, in order.
    pub labels: Vec<String>,
    /// Which processes export it: `both`, `edge`, `counting` or `everything`.
    pub exported_by: String,
}

/// The table, by name.
///
/// # Panics
/// If the file cannot be read, or a row has not five columns.
#[must_use]
pub fn documented() -> BTreeMap<String, Metric> {
    let text = crate::text(FILE);
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(row).collect()
}

fn row(line: &str) -> (String, Metric) {
    let columns: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [name, kind, labels, exported_by, _meaning] = columns.as_slice() else {
        panic!("{FILE}: not five columns: {line}");
    };
    let bare = |quoted: &str| quoted.trim().trim_matches('`').to_owned();
    let labels = labels.split(',').map(bare).filter(|label| !label.is_empty()).collect();
    let (kind, exported_by) = ((*kind).to_owned(), (*exported_by).to_owned());
    (bare(name), Metric { kind, labels, exported_by })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_with_its_labels() {
        let metrics = documented();
        let requests = &metrics["weir_requests_total"];
        assert_eq!(requests.kind, "counter");
        assert_eq!(requests.labels, ["campaign", "route", "outcome"]);
        assert_eq!(metrics["weir_ready"].labels, [""; 0]);
    }
}
