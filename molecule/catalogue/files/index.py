"""An index of Python packages over HTTPS: its folder as it is, with the certificate of the catalogue on this host."""

import http.server
import ssl

TLS = "/etc/facility/tls/catalogue"
server = http.server.ThreadingHTTPServer(("", 8444), http.server.SimpleHTTPRequestHandler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(f"{TLS}/fullchain.pem", f"{TLS}/key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
