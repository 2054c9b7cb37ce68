# Debian's nginx with what its programs load, for pods of real nodes.
FROM scratch
COPY . /
ENV PATH=/usr/sbin:/usr/bin:/bin
EXPOSE 80
ENTRYPOINT ["/usr/sbin/nginx"]
