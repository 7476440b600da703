//! The rules an edge judges by: its own at first, and whatever the counting shows them to have
//! become.
//!
//! Invariant: rules only ever become wider, so a tally that lags behind the log never takes an edge
//! back. Never here: a look into the log.

use std::sync::Arc;

use aggregator::Served;
use ballot::Rules;
use tokio::sync::watch;

/// Sends on the rules that all partitions have folded, whenever they have become wider. Ends with
/// the results view.
pub async fn follow_rules(
    mut served: watch::Receiver<Option<Arc<Served>>>,
    newest: watch::Sender<Arc<Rules>>,
) {
    served.mark_changed();
    while served.changed().await.is_ok() {
        let served = served.borrow_and_update().clone();
        let Some(served) = served else { continue };
        newest.send_if_modified(|newest| {
            let widened = **newest != served.rules && newest.may_become(&served.rules);
            if widened {
                *newest = Arc::new(served.rules.clone());
            }
            widened
        });
    }
}
