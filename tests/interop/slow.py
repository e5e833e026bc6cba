"""A registry whose storage is slow to finish: python3 slow.py LISTEN-ADDRESS-FILE HOST:PORT SECONDS

Requests go on to HOST:PORT, and their answers come back. Of the PUTs that close the upload of a blob, the first for each
blob is answered so many seconds late, when it has long taken effect: whoever waits less sees no answer to it.
"""

import asyncio
import re
import sys

CLOSING = re.compile(rb"PUT [^ ]*/blobs/uploads/[^ ]*[?&]digest=([^& ]*)")
slow = set()


async def head_of(reader):
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


def field(head, name):
    found = re.search(rb"(?im)^" + name + rb":[ \t]*([^\r\n]*)", head)
    return found.group(1) if found else None


async def carry(reader, writer, length):
    while length > 0:
        data = await reader.read(min(length, 1 << 16))
        if not data:
            raise ConnectionError
        writer.write(data)
        await writer.drain()
        length -= len(data)


async def carry_chunks(reader, writer):
    while True:
        line = await reader.readline()
        writer.write(line)
        size = int(line.split(b";")[0], 16)
        await carry(reader, writer, size + 2)
        if size == 0:
            return


async def serve(client, answer, target, seconds):
    host, port = target.rsplit(":", 1)
    server, send = await asyncio.open_connection(host, int(port), limit=1 << 20)
    try:
        while head := await head_of(client):
            # Nobody is asked to go on: the body simply comes.
            if field(head, b"expect"):
                head = re.sub(rb"(?im)^expect:[^\r\n]*\r\n", b"", head)
                answer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                await answer.drain()
            send.write(head)
            await carry(client, send, int(field(head, b"content-length") or 0))
            await send.drain()
            reply = await head_of(server)
            closing = CLOSING.match(head)
            if closing and closing.group(1) not in slow:
                slow.add(closing.group(1))
                await asyncio.sleep(seconds)
            answer.write(reply)
            status = int(reply.split(b" ")[1])
            if not head.startswith(b"HEAD ") and status not in (204, 304):
                if field(reply, b"transfer-encoding"):
                    await carry_chunks(server, answer)
                else:
                    await carry(server, answer, int(field(reply, b"content-length") or 0))
            await answer.drain()
    except (ConnectionError, IndexError, ValueError):
        pass
    finally:
        for end in (send, answer):
            end.close()


async def main():
    place, target, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])

    async def accepted(reader, writer):
        await serve(reader, writer, target, seconds)

    server = await asyncio.start_server(accepted, "127.0.0.1", 0, limit=1 << 20)
    with open(place, "w", encoding="ascii") as file:
        file.write("%s:%d\n" % server.sockets[0].getsockname())
    await server.serve_forever()


asyncio.run(main())
