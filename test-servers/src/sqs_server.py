"""Starts moto's server for SQS: `sqs_server.py PORT`.

Requests come in threads, and moto's queues are not made for that: a message sent while another is deleted can
vanish, and two receivers can get the same one. So each operation has the queues to itself, and a receive that
waits looks again and again.
"""

import sys
import threading
import time

from moto.server import main
from moto.sqs.models import SQSBackend

LOOK_AGAIN_S = 0.02
alone = threading.RLock()


def one_at_a_time(name):
    original = getattr(SQSBackend, name)

    def operation(self, *args, **kwargs):
        with alone:
            return original(self, *args, **kwargs)

    setattr(SQSBackend, name, operation)


def with_waiting_outside(original):
    def receive(self, queue_name, count, wait_seconds_timeout, *args, **kwargs):
        deadline = time.monotonic() + wait_seconds_timeout
        while True:
            with alone:
                received = original(self, queue_name, count, 0, *args, **kwargs)
            if received or time.monotonic() >= deadline:
                return received
            time.sleep(LOOK_AGAIN_S)

    return receive


for operation in (
    "create_queue",
    "get_queue_attributes",
    "set_queue_attributes",
    "send_message",
    "send_message_batch",
    "delete_message",
    "delete_message_batch",
    "change_message_visibility",
    "change_message_visibility_batch",
    "purge_queue",
):
    one_at_a_time(operation)
SQSBackend.receive_message = with_waiting_outside(SQSBackend.receive_message)

main(["-H", "127.0.0.1", "-p", sys.argv[1]])
