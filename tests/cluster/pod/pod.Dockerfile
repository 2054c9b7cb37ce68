# What runs in the pods of real nodes.
FROM scratch
COPY pod /usr/local/bin/pod
ENV PATH=/usr/local/bin
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/pod"]
