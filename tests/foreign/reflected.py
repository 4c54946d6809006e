"""A client that is built from what the server's reflection says, and from nothing else.

Requests and answers are dictionaries in protobuf's JSON mapping with the field names of the contract: 64-bit numbers are texts,
enumerations are names, unset fields are absent.
"""

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

DEADLINE_SECONDS = 30
LARGEST_MESSAGE = 16 * 1024 * 1024
OPTIONS = [
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    ("grpc.max_send_message_length", LARGEST_MESSAGE),
]


class Refused(Exception):
    """The server refused a call: its code, message and `google.rpc` details by the name of their type."""

    def __init__(self, error):
        super().__init__(f"{error.code()}: {error.details()}")
        self.code = error.code().name
        status = rpc_status.from_call(error)
        self.details = {}
        for packed in status.details if status else ():
            kind = packed.type_url.rpartition(".")[2]
            detail = getattr(error_details_pb2, kind)()
            packed.Unpack(detail)
            self.details.setdefault(kind, []).append(detail)


class ReflectedClient:
    """Calls any RPC that reflection names, by `package.Service/Method`."""

    def __init__(self, address, token):
        self.channel = grpc.insecure_channel(address, options=OPTIONS)
        self.database = ProtoReflectionDescriptorDatabase(self.channel)
        self.pool = descriptor_pool.DescriptorPool(self.database)
        self.credentials = (("authorization", f"Bearer {token}"),)

    def close(self):
        self.channel.close()

    def services(self):
        """Full names of the services, as version v1alpha of reflection lists them."""
        return sorted(self.database.get_services())

    def method(self, path):
        service, _, name = path.partition("/")
        return self.pool.FindServiceByName(service).methods_by_name[name]

    def methods(self, service):
        """Paths of a service's methods."""
        return [f"{service}/{method.name}" for method in self.pool.FindServiceByName(service).methods]

    def enum_names(self, enum):
        return set(self.pool.FindEnumTypeByName(enum).values_by_name)

    def method_option(self, path, extension):
        """The value of an option of a method: its number, or `None` where the method does not set it."""
        field = self.pool.FindExtensionByName(extension)
        # The descriptor's own options are of a class that does not know the extension: it is read from their bytes.
        options = message_factory.GetMessageClass(self.pool.FindMessageTypeByName("google.protobuf.MethodOptions"))()
        options.ParseFromString(self.method(path).GetOptions().SerializeToString())
        return options.Extensions[field] if options.HasExtension(field) else None

    def ask(self, path, request, with_token=True):
        """The answer to a request; a list where requests or answers are streams.

        Raises `Refused` when the server answers with an error.
        """
        try:
            answer = self.open(path, request, with_token)
            if not self.method(path).server_streaming:
                return as_dict(answer)
            return [as_dict(message) for message in answer]
        except grpc.RpcError as error:
            raise Refused(error) from error

    def open(self, path, request, with_token=True):
        """Starts a call: the answer, or an iterator over answers that can be cancelled."""
        method = self.method(path)
        kind = f"{'stream' if method.client_streaming else 'unary'}_{'stream' if method.server_streaming else 'unary'}"
        call = getattr(self.channel, kind)(
            f"/{path}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
        )
        make = message_factory.GetMessageClass(method.input_type)
        if method.client_streaming:
            sent = iter([json_format.ParseDict(each, make()) for each in request])
        else:
            sent = json_format.ParseDict(request, make())
        return call(sent, timeout=DEADLINE_SECONDS, metadata=self.credentials if with_token else ())


def as_dict(message):
    return json_format.MessageToDict(message, preserving_proto_field_name=True)
