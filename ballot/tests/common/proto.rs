//! `proto/weir.proto` as compiled by protox: what a reader sees who has the `.proto` and nothing of
//! this crate.

#![allow(dead_code, reason = "each test crate uses a part of it")]

use bytes::Bytes;
use prost_reflect::prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, Kind, ReflectMessage, Value};
use protox::file::{File, FileResolver};

/// The checked-in text.
pub(crate) const TEXT: &str = include_str!("../../proto/weir.proto");

struct Text(String);

impl FileResolver for Text {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        File::from_source(name, &self.0)
    }
}

/// The messages of a `.proto` text.
#[derive(Debug)]
pub(crate) struct Proto(DescriptorPool);

impl Proto {
    /// The checked-in one.
    pub(crate) fn checked_in() -> Self {
        Self::compile(TEXT)
    }

    pub(crate) fn compile(text: &str) -> Self {
        let mut compiler = protox::Compiler::with_file_resolver(Text(text.to_owned()));
        compiler.include_imports(true).open_file("weir.proto").expect("the text is proto3");
        Self(compiler.descriptor_pool())
    }

    /// An empty message, by its name in the package.
    pub(crate) fn message(&self, name: &str) -> DynamicMessage {
        let descriptor = self.0.get_message_by_name(&format!("weir.v1.{name}"));
        DynamicMessage::new(descriptor.expect("a message of weir.proto"))
    }

    /// A message with these fields.
    pub(crate) fn made(&self, name: &str, fields: &[(&str, Value)]) -> DynamicMessage {
        let mut message = self.message(name);
        for (field, value) in fields {
            message.set_field_by_name(field, value.clone());
        }
        message
    }

    pub(crate) fn decode(&self, name: &str, value: &Bytes) -> DynamicMessage {
        let descriptor = self.message(name).descriptor();
        DynamicMessage::decode(descriptor, value.clone()).expect("it decodes")
    }
}

/// The bytes of a message.
pub(crate) fn encode(message: &DynamicMessage) -> Bytes {
    message.encode_to_vec().into()
}

/// A field of a message, its default if it is not set.
pub(crate) fn field(message: &DynamicMessage, name: &str) -> Value {
    message.get_field_by_name(name).expect("a field of the message").into_owned()
}

/// A field that is a message.
pub(crate) fn inner(message: &DynamicMessage, name: &str) -> DynamicMessage {
    field(message, name).as_message().expect("a message").clone()
}

/// A list of these values.
pub(crate) fn list<T>(items: impl IntoIterator<Item = T>, value: impl Fn(T) -> Value) -> Value {
    Value::List(items.into_iter().map(value).collect())
}

pub(crate) fn bytes(value: &[u8]) -> Value {
    Value::Bytes(Bytes::copy_from_slice(value))
}

/// The names of fields, at any depth, that are unknown or at their default: none, if the message
/// was made to have everything. `unused` are expected to be.
pub(crate) fn gaps(message: &DynamicMessage, unused: &[&str]) -> Vec<String> {
    let mut gaps: Vec<String> =
        message.unknown_fields().map(|field| format!("unknown {}", field.number())).collect();
    for field in message.descriptor().fields() {
        let value = message.get_field(&field);
        if !message.has_field(&field) {
            gaps.push(field.full_name().to_owned());
        } else if matches!(field.kind(), Kind::Message(_)) {
            match value.as_list() {
                Some(list) => list.iter().filter_map(Value::as_message).for_each(|message| {
                    gaps.extend(self::gaps(message, unused));
                }),
                None => gaps.extend(value.as_message().iter().flat_map(|m| self::gaps(m, unused))),
            }
        }
    }
    gaps.retain(|gap| !unused.contains(&gap.as_str()));
    gaps
}
