//! Calls of any RPC of the contracts, with messages that were written as JSON: for tests that go over every RPC there is.

use bytes::{Buf, BufMut, Bytes};
use prost_reflect::prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor};
use tandem_client::Connection;
use tandem_contracts::DESCRIPTOR_SET;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Request, Status};

/// Messages of a stream that are read: one tells whether the call was let through.
const READ: usize = 50;

/// Every RPC of the contracts, by its path without the first slash.
///
/// # Panics
/// The contracts of this build cannot be read.
#[must_use]
pub fn methods() -> Vec<MethodDescriptor> {
    let pool = DescriptorPool::decode(DESCRIPTOR_SET).expect("the contracts can be read");
    let mut methods: Vec<_> =
        pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()).collect();
    methods.sort_by_key(|method| method.full_name().to_owned());
    methods
}

/// The path of a method: `tandem.inventory.v1.DeviceService/GetDevice`.
#[must_use]
pub fn path(method: &MethodDescriptor) -> String {
    format!("{}/{}", method.parent_service().full_name(), method.name())
}

/// A request of a method, of JSON as the protobuf mapping has it.
///
/// # Panics
/// It is no message of that method.
#[must_use]
pub fn request(method: &MethodDescriptor, json: &str) -> DynamicMessage {
    let mut reader = serde_json::Deserializer::from_str(json);
    DynamicMessage::deserialize(method.input(), &mut reader)
        .unwrap_or_else(|error| panic!("{}: {error}: {json}", method.full_name()))
}

/// Calls a method with one message. Answers the first messages of the answer, and how the call ended, if it did by then.
///
/// # Panics
/// The connection leads to no such service.
pub async fn call(
    connection: &Connection,
    method: &MethodDescriptor,
    message: &DynamicMessage,
) -> (Vec<Bytes>, Option<Status>) {
    let stack =
        connection.to_service(method.parent_service().full_name()).expect("a service of the contracts");
    let mut grpc = Grpc::new(stack);
    let path = format!("/{}", path(method)).parse().expect("a path");
    let messages = tokio_stream::once(Bytes::from(message.encode_to_vec()));
    let answer = grpc.streaming(Request::new(messages), path, BytesCodec).await;
    let mut answer = match answer {
        Ok(answer) => answer.into_inner(),
        Err(status) => return (Vec::new(), Some(status)),
    };
    let mut answers = Vec::new();
    while answers.len() < READ {
        match answer.message().await {
            Ok(Some(message)) => answers.push(message),
            Ok(None) => return (answers, None),
            Err(status) => return (answers, Some(status)),
        }
    }
    (answers, None)
}

/// Messages as they are.
#[derive(Debug, Clone, Copy, Default)]
struct BytesCodec;

impl Codec for BytesCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(item);
        Ok(())
    }
}

impl Decoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
