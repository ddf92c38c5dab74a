package learn_test
import ("testing";"time";"fmt";"inlet/learn")
func TestTry(t *testing.T){
 for _, k := range []struct{c,each int; apart float64}{{4,10,.5},{40,8,.7},{40,16,.7},{10,100,.5},{20,150,.4},{20,170,.4}} {
  w := newWorld(1,4004,k.c,k.apart)
  s := w.set(k.each)
  start := time.Now()
  m := train(t,s,learn.Options{Seed:1, Progress: func(st string, d float64){ fmt.Println(st, d, time.Since(start))}})
  el := time.Since(start)
  right := 0
  for c := range k.c { for range 10 { if m.Predict(w.picture(c),-1)[0].Label == s.Labels[c] {right++}}}
  x := m.Metrics()
  start = time.Now()
  b,_ := m.MarshalBinary()
  fmt.Println(k, el, x.Accuracy, x.MacroF1, x.LogLoss, x.ECE, x.Curve, "fresh", float64(right)/float64(10*k.c), m.Penalty(), len(b))
  v := learn.Compare(m,nil,s,1)
  fmt.Println(v, time.Since(start))
 }
}
