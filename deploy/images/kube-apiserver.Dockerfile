# kube-apiserver as a static program and nothing else. Built by the script beside this file.
FROM scratch
COPY kube-apiserver /usr/local/bin/kube-apiserver
ENV PATH=/usr/local/bin
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/kube-apiserver"]
