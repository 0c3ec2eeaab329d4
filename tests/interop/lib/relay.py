"""Copies between two sockets."""
import socket
import threading


def join(near, far):
    """Copies both ways until both ends have said all they had to say."""
    for source, target in ((near, far), (far, near)):
        threading.Thread(target=pump, args=(source, target), daemon=True).start()


def pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
