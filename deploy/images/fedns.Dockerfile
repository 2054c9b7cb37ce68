# fedns as a static program, with the certificate authorities that clouds are trusted by. Built by the
# script beside this file.
FROM scratch
COPY fedns /usr/local/bin/fedns
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
ENV PATH=/usr/local/bin
USER 65532:65532
EXPOSE 5300/udp 5300/tcp 8053/tcp
ENTRYPOINT ["/usr/local/bin/fedns"]
