"""Calls every method of the orbital service twice: with classes generated from the contract, and with what reflection tells.

Arguments: the address, the folder of the contract. Writes what was answered to standard output, as JSON.
"""

import importlib
import json
import sys
import tempfile
from importlib.resources import files

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_tools import protoc

SERVICE = "orbital.OrbitalService"
LIMIT_S = 120
TLE = {
    "line1": "1 00005U 58002B   00179.78495062  .00000023  00000-0  28098-4 0  4753",
    "line2": "2 00005  34.2682 348.7242 1859667 331.7664  19.3264 10.82419157413667",
}
STATION = {"id": "python", "name": "Python", "latitudeDeg": 45.0, "longitudeDeg": 7.5, "altitudeM": 240.0, "minElevationDeg": 5.0}
DAY = {"start": "2021-08-23T00:00:00Z", "end": "2021-08-24T00:00:00Z"}
HOUR = {"start": "2021-08-23T00:00:00Z", "end": "2021-08-23T01:00:00Z"}
GRID = {"satellites": {"ids": ["25544", "van"]}, "start": DAY["start"], "step": "60s", "count": 10}

# In this order: what is registered is asked for, and taken away at the end.
CALLS = [
    ("HealthCheck", {}),
    ("RegisterSatellites", {"satellites": [{"id": "van", "elements": {"tle": TLE}}]}),
    ("RegisterGroundStations", {"groundStations": [STATION]}),
    ("ListSatellites", {"limit": 3}),
    ("ListGroundStations", {}),
    ("PropagatePosition", {"tle": TLE, "timestampUnix": "962131820", "satelliteId": "mine"}),
    ("PropagateTrajectory", {"tle": TLE, "startTimestampUnix": "962131820", "endTimestampUnix": "962132420", "stepSeconds": "60"}),
    ("CalculateVisibility", {"satelliteId": "25544", "groundStation": STATION, "startTimestampUnix": "1629676800", "endTimestampUnix": "1629763200"}),
    ("Visibility", {"satelliteId": "25544", "groundStationId": "python", "window": DAY}),
    ("PropagateBatch", {"satellites": {"ids": ["25544", "van"]}, "at": DAY["start"], "frame": "FRAME_GCRS"}),
    ("PropagateGrid", GRID),
    ("StreamGrid", dict(GRID, frame="FRAME_ITRF")),
    ("WatchPositions", {"satellites": {"ids": ["25544"]}, "every": "0.1s", "count": 2}),
    ("Track", {"satelliteId": "25544", "groundStationId": "python", "start": DAY["start"], "step": "1s", "count": 5, "frequencyHz": 437e6}),
    ("FindPasses", {"satellites": {"ids": ["25544", "900"]}, "groundStationIds": ["python"], "window": DAY}),
    ("StreamPasses", {"satellites": {"ids": ["25544", "900"]}, "groundStationIds": ["python"], "window": DAY}),
    ("FindApproaches", {"primaries": {"ids": ["25544"]}, "window": HOUR, "withinKm": 200}),
    ("StreamApproaches", {"primaries": {"ids": ["25544"]}, "window": HOUR, "withinKm": 200}),
    ("RemoveSatellites", {"ids": ["van"]}),
    ("RemoveGroundStations", {"ids": ["python"]}),
]
# What no two calls have in common.
CHANGING = {"HealthCheck": ["uptimeSeconds"], "WatchPositions": ["at", "columns"]}


def shown(method, answers):
    told = [json_format.MessageToDict(answer) for answer in answers]
    for answer in told:
        for field in CHANGING.get(method, []):
            answer.pop(field, None)
    return told


def generated(folder):
    """The stub and the messages that protoc makes of the contract."""
    out = tempfile.mkdtemp()
    well_known = files("grpc_tools") / "_proto"
    arguments = ["protoc", f"-I{folder}", f"-I{well_known}", f"--python_out={out}", f"--grpc_python_out={out}", "orbital.proto"]
    if protoc.main(arguments) != 0:
        raise SystemExit("protoc refused the contract")
    sys.path.insert(0, out)
    return importlib.import_module("orbital_pb2"), importlib.import_module("orbital_pb2_grpc")


def by_contract(channel, folder):
    messages, services = generated(folder)
    stub = services.OrbitalServiceStub(channel)
    methods = messages.DESCRIPTOR.services_by_name["OrbitalService"].methods_by_name
    told = []
    for name, fields in CALLS:
        method = methods[name]
        request = json_format.ParseDict(fields, getattr(messages, method.input_type.name)())
        answer = getattr(stub, name)(request, timeout=LIMIT_S)
        told.append((name, shown(name, list(answer) if method.server_streaming else [answer])))
    return sorted(methods), told


def by_reflection(channel):
    database = ProtoReflectionDescriptorDatabase(channel)
    pool = descriptor_pool.DescriptorPool(database)
    service = pool.FindServiceByName(SERVICE)
    told = []
    for name, fields in CALLS:
        method = service.methods_by_name[name]
        asked, answered = (message_factory.GetMessageClass(kind) for kind in (method.input_type, method.output_type))
        request = json_format.ParseDict(fields, asked(), descriptor_pool=pool)
        call = channel.unary_stream if method.server_streaming else channel.unary_unary
        send = call(f"/{SERVICE}/{name}", request_serializer=asked.SerializeToString, response_deserializer=answered.FromString)
        answer = send(request, timeout=LIMIT_S)
        told.append((name, shown(name, list(answer) if method.server_streaming else [answer])))
    return sorted(service.methods_by_name), sorted(database.get_services()), told


def health(channel):
    """grpc.health.v1, whose messages reflection tells too."""
    pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    asked = message_factory.GetMessageClass(pool.FindMessageTypeByName("grpc.health.v1.HealthCheckRequest"))
    answered = message_factory.GetMessageClass(pool.FindMessageTypeByName("grpc.health.v1.HealthCheckResponse"))
    send = channel.unary_unary(
        "/grpc.health.v1.Health/Check", request_serializer=asked.SerializeToString, response_deserializer=answered.FromString
    )
    return json_format.MessageToDict(send(asked(service=SERVICE), timeout=LIMIT_S))["status"]


def refused(channel):
    """How errors come through: a missing field, and a deadline."""
    send = channel.unary_unary(f"/{SERVICE}/PropagatePosition")
    try:
        send(b"", timeout=LIMIT_S)
    except grpc.RpcError as error:
        return [error.code().name, error.details()]
    return None


def reflection_v1alpha(channel):
    """The file of the service by its symbol, asked for as grpcurl does."""
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    asked = [reflection_pb2.ServerReflectionRequest(file_containing_symbol=SERVICE)]
    return [len(answer.file_descriptor_response.file_descriptor_proto) for answer in stub.ServerReflectionInfo(iter(asked), timeout=LIMIT_S)]


def main():
    address, folder = sys.argv[1:3]
    with grpc.insecure_channel(address) as channel:
        grpc.channel_ready_future(channel).result(timeout=LIMIT_S)
        declared, contract = by_contract(channel, folder)
        reflected, services, reflection = by_reflection(channel)
        print(json.dumps({
            "declared": declared,
            "reflected": reflected,
            "called": sorted(name for name, _ in CALLS),
            "services": services,
            "by_contract": contract,
            "by_reflection": reflection,
            "health": health(channel),
            "refused": refused(channel),
            "files": reflection_v1alpha(channel),
        }))


main()
