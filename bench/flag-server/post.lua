-- One context, sent again and again.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"context":{"targetingKey":"user-1234","email":"ann@shop.example","plan":"pro"}}'
