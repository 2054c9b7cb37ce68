# kube-controller-manager as a static program and nothing else. Built by the script beside this file.
FROM scratch
COPY kube-controller-manager /usr/local/bin/kube-controller-manager
ENV PATH=/usr/local/bin
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/kube-controller-manager"]
