//! A unary service of the framework that does nothing: it takes a message of bytes and answers one.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use tonic::body::Body;
use tonic::codegen::Service;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

/// The path of its method.
pub const PATH: &str = "/yardstick.Empty/Answer";

/// Answers so many bytes.
#[derive(Debug, Clone, Copy)]
pub struct Empty {
    /// Length of the answer's one field.
    pub bytes: usize,
}

impl NamedService for Empty {
    const NAME: &'static str = "yardstick.Empty";
}

impl UnaryService<Vec<u8>> for Empty {
    type Response = Vec<u8>;
    type Future = Ready<Result<Response<Vec<u8>>, Status>>;

    fn call(&mut self, _: Request<Vec<u8>>) -> Self::Future {
        ready(Ok(Response::new(vec![b'x'; self.bytes])))
    }
}

/// What the generator of services writes around one method.
impl Service<http::Request<Body>> for Empty {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let method = *self;
        Box::pin(async move {
            let mut grpc = Grpc::new(ProstCodec::<Vec<u8>, Vec<u8>>::default());
            Ok(grpc.unary(method, request).await)
        })
    }
}
