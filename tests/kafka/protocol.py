"""A few requests of the Kafka protocol, one by one, as no client library lets them be sent: in versions that librdkafka
2.0 speaks. What is sent twice, too late or under an old epoch is the caller's business.

    link = Link("127.0.0.1:9092")
    link.init_producer("id", 1000)      # (error, producer, epoch)

An error is the protocol's number; 0 is none.
"""

import socket
import struct


def crc32c_table():
    table = []
    for number in range(256):
        for _ in range(8):
            number = number >> 1 ^ (0x82F63B78 if number & 1 else 0)
        table.append(number)
    return table


CRC32C = crc32c_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC32C[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def uvarint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


def varint(number):
    return uvarint(number << 1 if number >= 0 else (-number << 1) - 1)


def string(text):
    """Nullable: None is null."""
    return struct.pack(">h", -1) if text is None else struct.pack(">h", len(text)) + text.encode()


def compact(text):
    return uvarint(0) if text is None else uvarint(len(text) + 1) + text.encode()


def blob(data):
    return struct.pack(">i", len(data)) + data


def array(items):
    return struct.pack(">i", len(items)) + b"".join(items)


def compact_array(items):
    return uvarint(len(items) + 1) + b"".join(items)


NO_TAGS = uvarint(0)


def batch(producer, epoch, sequence, values):
    """A record batch of a transaction."""
    records = b""
    for place, value in enumerate(values):
        body = (b"\0" + varint(0) + varint(place) + varint(-1) + varint(len(value)) + value.encode() + varint(0))
        records += varint(len(body)) + body
    head = struct.pack(">hiqqqhi", 0x10, len(values) - 1, 0, 0, producer, epoch, sequence)
    checked = head + struct.pack(">i", len(values)) + records
    return struct.pack(">qiibI", 0, len(checked) + 9, -1, 2, crc32c(checked)) + checked


class Answer:
    """Reads an answer field by field."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        values = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return values[0] if len(values) == 1 else values

    def uvarint(self):
        number = shift = 0
        while True:
            byte = self.take("B")
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    def bytes(self, length):
        self.at += max(length, 0)
        return self.data[self.at - length:self.at] if length >= 0 else None

    def string(self):
        text = self.bytes(self.take("h"))
        return None if text is None else text.decode()

    def compact(self):
        return self.bytes(self.uvarint() - 1)


class Link:
    """One connection, one request at a time."""

    def __init__(self, address, client="scenarios"):
        host, port = address.split(":")
        self.socket = socket.create_connection((host, int(port)), 30)
        self.client = client

    def close(self):
        self.socket.close()

    def send(self, api, version, body, flexible=False):
        head = struct.pack(">hhi", api, version, 0) + string(self.client) + (NO_TAGS if flexible else b"")
        self.socket.sendall(blob(head + body))

    def receive(self, flexible=False):
        data = b""
        while len(data) < 4 or len(data) < 4 + struct.unpack(">i", data[:4])[0]:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError("the broker has closed the connection")
            data += more
        return Answer(data[9 if flexible else 8:])

    def ask(self, api, version, body, flexible=False):
        self.send(api, version, body, flexible)
        return self.receive(flexible)

    def find_coordinator(self, key, kind):
        """kind: 0 of a group, 1 of a transactional id."""
        return self.ask(10, 1, string(key) + struct.pack(">b", kind)).take("ih")[1]

    def init_producer(self, name, timeout_ms):
        return self.ask(22, 1, string(name) + struct.pack(">i", timeout_ms)).take("ihqh")[1:]

    def add_partitions(self, name, producer, epoch, topics):
        body = string(name) + struct.pack(">qh", producer, epoch)
        answer = self.ask(24, 0, body + array([string(topic) + array([struct.pack(">i", 0)]) for topic in topics]))
        errors = []
        for _ in range(answer.take("ii")[1]):
            answer.string()
            errors += [answer.take("ih")[1] for _ in range(answer.take("i"))]
        return max(errors)

    def add_offsets(self, name, producer, epoch, group):
        return self.ask(25, 0, string(name) + struct.pack(">qh", producer, epoch) + string(group)).take("ih")[1]

    def produce(self, name, producer, epoch, sequence, topic, values):
        records = blob(batch(producer, epoch, sequence, values))
        answer = self.ask(0, 7, string(name) + struct.pack(">hi", -1, 30000) +
                          array([string(topic) + array([struct.pack(">i", 0) + records])]))
        answer.take("i"), answer.string()
        return answer.take("iih")[2]

    def commit_offset(self, name, group, producer, epoch, membership, topic, offset):
        """`membership`: generation, member, instance."""
        generation, member, instance = membership
        partition = struct.pack(">iqi", 0, offset, -1) + compact("") + NO_TAGS
        body = (compact(name) + compact(group) + struct.pack(">qhi", producer, epoch, generation) + compact(member) +
                compact(instance) +
                compact_array([compact(topic) + compact_array([partition]) + NO_TAGS]) + NO_TAGS)
        answer = self.ask(28, 3, body, flexible=True)
        answer.take("i"), answer.uvarint(), answer.compact(), answer.uvarint()
        return answer.take("ih")[1]

    def end_transaction(self, name, producer, epoch):
        """Asks for the commit."""
        return self.ask(26, 1, string(name) + struct.pack(">qhb", producer, epoch, 1)).take("ih")[1]

    def end_offset(self, topic, timestamp, committed):
        """timestamp: -1 the end, -2 the begin. `committed`: the end that readers of committed data see."""
        partition = struct.pack(">iq", 0, timestamp)
        answer = self.ask(2, 2, struct.pack(">ib", -1, committed) + array([string(topic) + array([partition])]))
        answer.take("ii"), answer.string()
        return answer.take("iihqq")[4]

    def committed_offset(self, group, topic, stable):
        """(error, offset); -1: none. `stable`: an error while a transaction's offset is in the balance."""
        body = (compact(group) + compact_array([compact(topic) + compact_array([struct.pack(">i", 0)]) + NO_TAGS]) +
                struct.pack(">b", stable) + NO_TAGS)
        answer = self.ask(9, 7, body, flexible=True)
        answer.take("i"), answer.uvarint(), answer.compact(), answer.uvarint()
        _, offset, _ = answer.take("iqi")
        answer.compact()
        return answer.take("h"), offset

    def delete_records(self, topic, before):
        return self.ask(21, 0, array([string(topic) + array([struct.pack(">iq", 0, before)])]) +
                        struct.pack(">i", 30000))

    def send_join(self, group, session_ms, rebalance_ms, member, instance):
        self.send(11, 5, string(group) + struct.pack(">ii", session_ms, rebalance_ms) + string(member) +
                  string(instance) + string("scenarios") + array([string("range") + blob(b"")]))

    def receive_join(self):
        """(error, generation, leader, member, instances of all members: of the leader only)"""
        answer = self.receive()
        _, error, generation = answer.take("ihi")
        answer.string()
        leader, member = answer.string(), answer.string()
        members = {}
        for _ in range(answer.take("i")):
            one, instance = answer.string(), answer.string()
            answer.bytes(answer.take("i"))
            members[instance] = one
        return error, generation, leader, member, members

    def sync(self, group, membership, assignments):
        """(error, what the leader has assigned). `assignments`: by member; of the leader only."""
        generation, member, instance = membership
        answer = self.ask(14, 3, string(group) + struct.pack(">i", generation) + string(member) + string(instance) +
                          array([string(one) + blob(data) for one, data in assignments.items()]))
        _, error = answer.take("ih")
        return error, answer.bytes(answer.take("i"))

    def heartbeat(self, group, membership):
        generation, member, instance = membership
        return self.ask(12, 3, string(group) + struct.pack(">i", generation) + string(member) + string(instance)
                        ).take("ih")[1]
