//! A traced request in OpenTelemetry's words: a span of an HTTP server, and one below it for the
//! wait on the journal. Names are those of the semantic conventions; ours begin with `weir.`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ingest::trace::{Append, Span};
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

/// As `openapi.json` has it.
const ROUTE: &str = "/v1/campaigns/{id}/ballots";

/// What all spans of a process have in common.
pub(super) fn resource() -> Resource {
    Resource::builder_empty()
        .with_service_name("weir")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build()
}

/// The spans of a traced request.
pub(super) fn of(span: &Span) -> impl Iterator<Item = SpanData> {
    let wait = span.append.map(|append| append_of(span, &append));
    std::iter::once(request(span)).chain(wait)
}

fn request(span: &Span) -> SpanData {
    let mut attributes = vec![
        KeyValue::new("http.request.method", "POST"),
        KeyValue::new("http.route", ROUTE),
        KeyValue::new("url.scheme", "http"),
        KeyValue::new("http.response.status_code", i64::from(span.status)),
        KeyValue::new("weir.outcome", span.outcome),
    ];
    if let Some(campaign) = &span.campaign {
        attributes.push(KeyValue::new("weir.campaign", campaign.clone()));
        attributes.push(KeyValue::new("url.path", ROUTE.replace("{id}", campaign)));
    }
    // Of a server's span, what the caller did wrong is no error.
    let failed = span.status >= 500;
    if failed {
        attributes.push(KeyValue::new("error.type", span.outcome));
    }
    let status = if failed { Status::error("") } else { Status::Unset };
    let start_time = start(span);
    SpanData {
        span_context: context(span.trace, span.id),
        parent_span_id: SpanId::from(span.parent.unwrap_or_default()),
        parent_span_is_remote: span.parent.is_some(),
        span_kind: SpanKind::Server,
        name: format!("POST {ROUTE}").into(),
        start_time,
        end_time: start_time + span.took,
        attributes,
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status,
        instrumentation_scope: scope(),
    }
}

fn append_of(span: &Span, append: &Append) -> SpanData {
    let durable = append.outcome == "durable";
    let start_time = start(span) + append.after;
    SpanData {
        span_context: context(span.trace, append.id),
        parent_span_id: SpanId::from(span.id),
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: "append to the journal".into(),
        start_time,
        end_time: start_time + append.took,
        attributes: vec![KeyValue::new("weir.outcome", append.outcome)],
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: if durable { Status::Unset } else { Status::error("") },
        instrumentation_scope: scope(),
    }
}

fn context(trace: u128, id: u64) -> SpanContext {
    let (trace, id) = (TraceId::from(trace), SpanId::from(id));
    SpanContext::new(trace, id, TraceFlags::SAMPLED, false, TraceState::NONE)
}

fn start(span: &Span) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(span.began_ms).unwrap_or_default())
}

fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("weir").with_version(env!("CARGO_PKG_VERSION")).build()
}
