"""Asks a name server over QUIC.

    doq.py PORT AUTHORITY < calls > results

Each call is a list: ["ask", NAME, TYPE] asks with dnspython and gets the answer's text; ["send", HEX, ...]
opens one connection with aioquic and sends each HEX as the whole of a stream, and gets what came back on
each, or the code that ended the connection; ["certificate"] gets the serial number of what the server shows.
"""

import asyncio
import json
import ssl
import sys

import dns.message
import dns.query
from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, StreamDataReceived

PATIENCE = 60
HOST = "127.0.0.1"


class Streams(QuicConnectionProtocol):
    """What comes back on each stream, and what ends the connection."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.answers = {}
        self.ended = {}
        self.terminated = asyncio.get_running_loop().create_future()

    def quic_event_received(self, event):
        if isinstance(event, StreamDataReceived) and event.stream_id in self.answers:
            self.answers[event.stream_id] += event.data
            if event.end_stream:
                self.ended[event.stream_id].set_result(None)
        elif isinstance(event, ConnectionTerminated) and not self.terminated.done():
            self.terminated.set_result(event.error_code)

    def send(self, data):
        stream = self._quic.get_next_available_stream_id()
        self.answers[stream] = b""
        self.ended[stream] = asyncio.get_running_loop().create_future()
        self._quic.send_stream_data(stream, data, end_stream=True)
        self.transmit()
        return stream


def configuration(authority):
    configuration = QuicConfiguration(is_client=True, alpn_protocols=["doq"], server_name="localhost")
    configuration.load_verify_locations(authority)
    return configuration


async def send(port, authority, texts):
    connection = connect(HOST, port, configuration=configuration(authority), create_protocol=Streams)
    async with connection as streams:
        sent = [streams.send(bytes.fromhex(text)) for text in texts]
        whole = asyncio.gather(*(streams.ended[stream] for stream in sent))
        done, _ = await asyncio.wait(
            [whole, streams.terminated], timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED
        )
        whole.cancel()
        if streams.terminated in done:
            return {"code": streams.terminated.result()}
        if not done:
            return {"code": None}
        return {"answers": [streams.answers[stream].hex() for stream in sent]}


async def certificate(port, authority):
    async with connect(HOST, port, configuration=configuration(authority)) as streams:
        return format(streams._quic.tls._peer_certificate.serial_number, "x")


def ask(port, authority, name, record_type):
    query = dns.message.make_query(name, record_type, use_edns=0, payload=1232, pad=128)
    answer = dns.query.quic(
        query, HOST, timeout=PATIENCE, port=port, verify=authority, server_hostname="localhost"
    )
    padding = [len(option.data) for option in answer.options if option.otype == 12]
    return {
        "code": dns.rcode.to_text(answer.rcode()),
        "answers": [line for rrset in answer.answer for line in rrset.to_text().splitlines()],
        "length": len(answer.wire),
        "padding": padding,
    }


def main():
    port, authority = int(sys.argv[1]), sys.argv[2]

    def carry_out(call):
        match call:
            case ["ask", name, record_type]:
                return ask(port, authority, name, record_type)
            case ["send", *texts]:
                return asyncio.run(send(port, authority, texts))
            case ["certificate"]:
                return asyncio.run(certificate(port, authority))

    results = []
    for call in json.load(sys.stdin):
        try:
            results.append({"answer": carry_out(call)})
        except (OSError, ssl.SSLError, ConnectionError, dns.exception.DNSException) as error:
            results.append({"error": f"{type(error).__name__}: {error}"})
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
