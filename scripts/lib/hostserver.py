# SPDX-License-Identifier: MIT
"""A small HTTP server on the host's loopback, which guests reach at 10.0.2.2 through user
networking.  Serves bytes from memory; it never touches the host's files."""

import http.server
import threading


class HostServer:
    """Serves `files` ({'/name': bytes}) until the with-block ends; `port` is a free one."""

    def __init__(self, files):
        self.files = files
        self.requests = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests.append(self.path)
                data = outer.files.get(self.path)
                self.send_response(404 if data is None else 200)
                self.send_header('Content-Length', str(len(data or b'')))
                self.end_headers()
                self.wfile.write(data or b'')

            def log_message(self, *arguments):
                pass

        self._server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception):
        self._server.shutdown()
        self._server.server_close()
