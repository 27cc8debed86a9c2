"""An MQTT client of Eclipse Paho, told by lines of JSON what to do and telling in lines of JSON what happens.

sys.argv: host, port, user, password, "5" or "3.1.1".
"""

import json
import sys
import threading

from paho.mqtt.client import Client, MQTTProtocolVersion
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

HOST, PORT, USER, PASSWORD, VERSION = sys.argv[1:]
IS_5 = VERSION == "5"


# The network has a thread of its own, and no line may stand within another.
TELLING = threading.Lock()


def tell(**what):
    with TELLING:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()


def on_connect(client, userdata, flags, reason, properties):
    tell(is_="connected", refused=reason.is_failure, reason=str(reason))
    if not reason.is_failure and userdata:
        client.subscribe([(filter_, 1) for filter_ in userdata])


def on_disconnect(client, userdata, flags, reason, properties):
    tell(is_="disconnected", reason=str(reason))


def on_subscribe(client, userdata, mid, reasons, properties):
    tell(is_="subscribed", refused=[str(reason) for reason in reasons if reason.is_failure])


def on_publish(client, userdata, mid, reason, properties):
    tell(is_="published", number=mid, refused=reason.is_failure, reason=str(reason))


def on_message(client, userdata, message):
    payload = message.payload.decode("utf-8", "replace")
    tell(is_="message", topic=message.topic, payload=payload, retained=message.retain)


def publish(client, order):
    properties = None
    if IS_5:
        properties = Properties(PacketTypes.PUBLISH)
        if order.get("response_topic"):
            properties.ResponseTopic = order["response_topic"]
        if order.get("token"):
            properties.UserProperty = ("token", order["token"])
    info = client.publish(order["topic"], order["payload"], qos=1, properties=properties)
    tell(is_="sent", number=info.mid)


def main():
    filters = []
    protocol = MQTTProtocolVersion.MQTTv5 if IS_5 else MQTTProtocolVersion.MQTTv311
    client = Client(CallbackAPIVersion.VERSION2, userdata=filters, protocol=protocol)
    client.username_pw_set(USER, PASSWORD)
    client.on_connect, client.on_disconnect = on_connect, on_disconnect
    client.on_subscribe, client.on_publish, client.on_message = on_subscribe, on_publish, on_message
    client.reconnect_delay_set(min_delay=1, max_delay=2)
    client.connect(HOST, int(PORT))
    client.loop_start()
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "subscribe":
            filters.extend(order["filters"])
            client.subscribe([(filter_, 1) for filter_ in order["filters"]])
        else:
            publish(client, order)
    client.disconnect()
    client.loop_stop()


main()
