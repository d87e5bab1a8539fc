"""Calls a gateway with Python's own gRPC library and without generated code: messages come from server reflection.

Reads the request from standard input as JSON and writes the answer to standard output as JSON. Ends with 1 and
`CODE: details` on standard error when the call fails.
"""

import argparse
import sys

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase


def read(path):
    with open(path, "rb") as file:
        return file.read()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("method", help="package.Service/Method")
    parser.add_argument("--ca", required=True)
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--token")
    options = parser.parse_args()

    credentials = grpc.ssl_channel_credentials(
        read(options.ca),
        read(options.key) if options.key else None,
        read(options.certificate) if options.certificate else None,
    )
    if options.token:
        credentials = grpc.composite_channel_credentials(
            credentials, grpc.access_token_call_credentials(options.token)
        )

    with grpc.secure_channel(options.address, credentials) as channel:
        pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        service, name = options.method.split("/")
        method = pool.FindServiceByName(service).FindMethodByName(name)
        request_type = message_factory.GetMessageClass(method.input_type)
        answer_type = message_factory.GetMessageClass(method.output_type)
        call = channel.unary_unary(
            "/" + options.method,
            request_serializer=request_type.SerializeToString,
            response_deserializer=answer_type.FromString,
        )
        answer = call(json_format.Parse(sys.stdin.read(), request_type()), timeout=20)
    print(json_format.MessageToJson(answer))


if __name__ == "__main__":
    try:
        main()
    except grpc.RpcError as error:
        sys.exit("%s: %s" % (error.code().name, error.details()))
