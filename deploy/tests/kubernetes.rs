//! What `deploy/kubernetes` says, without a cluster: kustomize builds it, every object has the
//! fields that its kind has and no others, and the objects agree with one another and with Weir.
//!
//! The kinds of Kubernetes are those of its typed API, KEDA's and the Prometheus operator's those
//! of their published types. Never here: an object that no test reads.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not covered by allow-unwrap-in-tests"
)]
#![expect(clippy::panic, reason = "as above")]

#[path = "kubernetes/built.rs"]
mod built;
#[path = "kubernetes/definitions.rs"]
mod definitions;
#[path = "kubernetes/hardened.rs"]
mod hardened;
#[path = "kubernetes/kinds.rs"]
mod kinds;
#[path = "kubernetes/packages.rs"]
mod packages;
#[path = "kubernetes/reached.rs"]
mod reached;
#[path = "kubernetes/scaled.rs"]
mod scaled;
